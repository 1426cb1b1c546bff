// The spellings of a realm: as a path (`/alpha/beta`) and as in AM's REST paths (`/realms/root/realms/alpha`).

import { itemsOf, parseItems, Refused } from './parsers.js';
import type { Parser } from './parsers.js';

/**
 * The one form of a realm used here: `/`, or `/alpha/beta` without a slash at the end; letters keep their case.
 * Takes `''`, `/`, `root`, `alpha`, `/alpha/beta/` and the REST form `/realms/root/realms/alpha`.
 * Undefined for anything that names no realm.
 */
export function canonicalRealm(text: string): string | undefined {
  const trimmed = text.replace(/^\//, '').replace(/\/$/, '');
  if (text.includes('//')) return undefined;
  if (trimmed === '' || trimmed === 'root') return '/';
  const segments = trimmed.split('/');
  const names = segments[0] === 'realms' ? namesOfRestForm(segments) : segments;
  // A first `root` is the top realm's alias, and nothing lies under it in this form: the writer meant the REST form.
  if (names === undefined || names[0] === 'root' || !names.every(isRealmName)) return undefined;
  return `/${names.join('/')}`;
}

/** `realms/root/realms/alpha` -> `alpha`: every name follows the word `realms`, and the first name is `root`. */
function namesOfRestForm(segments: readonly string[]): readonly string[] | undefined {
  const wordsInPlace = segments.length % 2 === 0 && segments.every((segment, i) => i % 2 === 1 || segment === 'realms');
  return wordsInPlace && segments[1] === 'root' ? segments.filter((_, i) => i % 2 === 1).slice(1) : undefined;
}

// The characters left out would change the meaning of a URL or a list; AM itself allows fewer in a realm's name.
function isRealmName(name: string): boolean {
  return /^[^\p{Cc}\p{Cf}?#%;\\*,]+$/u.test(name) && name === name.trim() && name !== '.' && name !== '..';
}

export const realm: Parser<string> = {
  accepts: 'a realm such as /, /alpha or /realms/root/realms/alpha',
  parse(value) {
    const canonical = typeof value === 'string' ? canonicalRealm(value) : undefined;
    if (canonical === undefined) throw new Refused();
    return canonical;
  },
};

/** Lower case, because AM compares the names of realms so. */
export const realms: Parser<readonly string[] | '*'> = {
  accepts: 'realms such as / or /alpha, separated by commas, or * alone for any',
  parse(value) {
    const items = itemsOf(value);
    if (items.length === 1 && items[0] === '*') return '*';
    if (items.length === 0) throw new Refused('names no realm');
    if (items.includes('*')) throw new Refused('has * beside other realms');
    return [...new Set(parseItems(realm, items).map((name) => name.toLowerCase()))];
  },
};
