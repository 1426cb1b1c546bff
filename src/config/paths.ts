// Parsers for prefixes of request paths and the routes behind them.

import { isRecord, itemsOf, parseItems, Refused } from './parsers.js';
import type { Parser } from './parsers.js';
import { baseUrl } from './urls.js';

/** A route as written: who may use it depends on the setting it stands in. */
export interface RouteTarget {
  readonly path: string;
  readonly target: string;
}

/** A prefix of whole segments. The few characters allowed are those that have one spelling only in a request's path. */
export const pathPrefix: Parser<string> = {
  accepts: 'a path such as /api: one / in front, no .. and no //; of letters, digits and -._~@$!&+',
  parse(value) {
    if (value === '/') return '/';
    const path = typeof value === 'string' ? value.replace(/\/$/, '') : '';
    if (/[*:(){}]/.test(path)) throw new Refused('has a wildcard: a prefix stands for all that is under it');
    if (!/^(?:\/[\w.~@$!&+-]+)+$/.test(path) || /\/\.\.?(?:\/|$)/.test(path)) throw new Refused();
    return path;
  },
};

/** The same, `''` for none, so that it can stand in front of another path. */
export const basePath: Parser<string> = {
  accepts: pathPrefix.accepts,
  parse: (value) => (value === '' || value === '/' ? '' : pathPrefix.parse(value)),
};

const route: Parser<RouteTarget> = {
  accepts: 'path=target',
  parse(value) {
    const { path, target } = typeof value === 'string' ? splitRoute(value) : fieldsOfRoute(value);
    const [badPath, parsedPath] = attempt(pathPrefix, path, 'path');
    const [badTarget, parsedTarget] = attempt(baseUrl, target, 'target');
    if (badPath) throw badTarget ? new Refused(badPath.message, badPath.part, [badTarget]) : badPath;
    if (badTarget) throw badTarget;
    return { path: parsedPath, target: parsedTarget };
  },
};

export const routes: Parser<readonly RouteTarget[]> = {
  accepts:
    'pairs such as /api=http://127.0.0.1:4000 or /files=http://files:8080/base, separated by commas, or none ' +
    '(as options: objects with path and target)',
  parse: (value) => parseItems(route, itemsOf(value)),
};

function splitRoute(text: string): { path: unknown; target: unknown } {
  const equals = text.indexOf('=');
  if (equals < 0) throw new Refused('has no target');
  return { path: text.slice(0, equals).trim(), target: text.slice(equals + 1).trim() };
}

function fieldsOfRoute(value: unknown): { path: unknown; target: unknown } {
  if (!isRecord(value)) throw new Refused();
  const { path, target, ...others } = value;
  if (Object.keys(others).length > 0) throw new Refused('has more than path and target');
  return { path, target };
}

/** Both parts of a pair are looked at, so that two mistakes are not two starts. */
function attempt(parser: Parser<string>, value: unknown, what: string): [Refused | undefined, string] {
  try {
    return [undefined, parser.parse(value)];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return [new Refused(`has a bad ${what}${error.message === '' ? '' : ` (it ${error.message})`}`, value), ''];
  }
}
