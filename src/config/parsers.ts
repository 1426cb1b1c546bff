// Small parsers for plain values: each takes the typed value of an option or the text of a variable.

import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';

/** Reads one kind of value. What it returns, it accepts again unchanged. */
export interface Parser<T> {
  /** Completes the sentence "accepted: …". */
  readonly accepts: string;
  /** All values there are, where they can be listed. */
  readonly choices?: readonly string[];
  /** Throws {@link Refused}. */
  parse(value: unknown): T;
}

/** Thrown by a parser for a value that it does not accept; `message` (may be empty) is a verb phrase about the value. */
export class Refused extends Error {
  constructor(
    reason = '',
    /** The item of a list that is to blame. */
    readonly part?: unknown,
    /** Further items of the same list. */
    readonly others: readonly Refused[] = [],
  ) {
    super(reason);
  }
}

export function oneOf<const T extends string>(...choices: readonly T[]): Parser<T> {
  return {
    accepts: choices.join(' or '),
    choices,
    parse(value) {
      const found = choices.find((choice) => choice === value);
      if (found === undefined) throw new Refused();
      return found;
    },
  };
}

// `1`, `yes` and `on` are refused: whoever reads the file should not have to know what they mean here.
export const flag: Parser<boolean> = {
  accepts: 'true or false',
  choices: ['true', 'false'],
  parse(value) {
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    throw new Refused();
  },
};

/** A plain decimal number within bounds (both included). */
export function numberFrom(min: number, max: number): Parser<number> {
  return {
    accepts: `a number from ${min} to ${max}`,
    parse(value) {
      const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !(number >= min && number <= max)) throw new Refused();
      return number;
    },
  };
}

/** A whole number within bounds (both included). */
export function wholeFrom(min: number, max: number): Parser<number> {
  const inBounds = numberFrom(min, max);
  return {
    accepts: `a whole number from ${min} to ${max}`,
    parse(value) {
      const number = inBounds.parse(value);
      if (!Number.isInteger(number)) throw new Refused('is not a whole number');
      return number;
    },
  };
}

/** An array, or text with commas; duplicates are dropped. */
export function listOf<T>(item: Parser<T>, accepts: string): Parser<readonly T[]> {
  return {
    accepts: `${accepts}, separated by commas, or none`,
    parse: (value) => [...new Set(parseItems(item, itemsOf(value)))],
  };
}

/** The items of an array, or of text with commas; the word `none` is the empty list, as an empty text means "not given". */
export function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string') throw new Refused('is not a list');
  if (value === 'none') return [];
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Parses every item before it throws, so that all bad ones are known at once. */
export function parseItems<T>(item: Parser<T>, items: readonly unknown[]): T[] {
  const refused: Refused[] = [];
  const parsed = items.flatMap((part) => {
    try {
      return [item.parse(part)];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused.push(new Refused(error.message, error.part ?? part), ...error.others);
      return [];
    }
  });
  const [first, ...others] = refused;
  if (first !== undefined) throw new Refused(first.message, first.part, others);
  return parsed;
}

/** RFC 6265 4.1.1: a cookie's name is a token, which a header's name is too. */
export const cookieName: Parser<string> = {
  accepts: "the name of a cookie: letters, digits and any of !#$%&'*+-.^_`|~",
  parse: matching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/),
};

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const HOST_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);

// RFC 6265 5.2.3: a leading dot means nothing any more, but many still write it.
export const cookieDomain: Parser<string> = {
  accepts: 'host names such as example.com',
  parse(value) {
    const domain = typeof value === 'string' ? value.toLowerCase().replace(/^\./, '') : '';
    if (!HOST_NAME.test(domain)) throw new Refused();
    return domain;
  },
};

export const listenHost: Parser<string> = {
  accepts: 'a host name or an address without port, such as 127.0.0.1, 0.0.0.0 or ::',
  parse(value) {
    if (typeof value === 'string' && (isIP(value) !== 0 || /^[\w.-]{1,253}$/.test(value))) return value;
    throw new Refused();
  },
};

/** Printable ASCII, which is what a header can carry everywhere (RFC 9110 5.5). */
export const headerValue: Parser<string> = {
  accepts: 'the value of the header on one line, in printable ASCII, or none for no header',
  parse: matching(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/),
};

/** Resolved against the working directory. */
export const folder: Parser<string> = {
  accepts: 'the path of an existing folder',
  parse(value) {
    if (typeof value !== 'string' || value === '' || value.includes('\0')) throw new Refused();
    const path = resolve(value);
    if (!isFolder(path)) throw new Refused('is not an existing folder');
    return path;
  },
};

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function matching(pattern: RegExp): (value: unknown) => string {
  return (value) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw new Refused();
  };
}
