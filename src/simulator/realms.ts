// The realm and the resource that a REST path names, in every spelling AM takes.

import { escapeHtml } from './answers.js';
import type { Flavor } from './sessions.js';

export const REALMS: readonly string[] = ['/', '/alpha', '/bravo'];

export type RestPath =
  | { readonly realm: string; readonly resource: string }
  | { readonly status: 400 | 404; readonly message: string; readonly early?: boolean };

/** `alpha`, `/Alpha` and `/` as AM knows them; undefined: no such realm. */
export function findRealm(name: string): string | undefined {
  const wanted = `/${name.replace(/^\/+|\/+$/g, '')}`.toLowerCase();
  return REALMS.find((realm) => realm === wanted);
}

const unknownRealm = (name: string): RestPath => ({
  status: 404,
  early: true,
  message: escapeHtml(`Realm "${name}" not found`),
});

/**
 * `path` is what follows `/json`. `/realms/root/realms/alpha/sessions`, `/alpha/sessions` and
 * `/sessions?realm=/alpha` mean the same; the parameter is ignored beside a realm in the path.
 */
export function parseRestPath(path: string, query: URLSearchParams, flavor: Flavor): RestPath {
  if (path.includes('//')) {
    return { status: 400, message: escapeHtml(`Resource path '/am/json${path}' contains empty path elements`) };
  }
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments[0] === 'realms') return canonicalPath(segments, flavor);
  const prefixed = segments.length > 1 ? findRealm(segments[0] ?? '') : undefined;
  if (prefixed !== undefined) return { realm: prefixed, resource: segments.slice(1).join('/') };
  const parameter = query.get('realm');
  const realm = parameter === null ? '/' : findRealm(parameter);
  if (realm === undefined) {
    return { status: 400, early: true, message: escapeHtml(`Invalid realm, ${parameter ?? ''}`) };
  }
  return { realm, resource: segments.join('/') };
}

function canonicalPath(segments: readonly string[], flavor: Flavor): RestPath {
  const names: string[] = [];
  let at = 0;
  for (; segments[at] === 'realms'; at += 2) names.push(segments[at + 1] ?? '');
  const resource = segments.slice(at).join('/');
  if (names[0] === 'root') names.shift();
  // The root in front may be left out; OpenAM then looks at the first name by itself (measured).
  else if (flavor === 'openam' && findRealm(names[0] ?? '') === undefined) return unknownRealm(names[0] ?? '');
  const realm = findRealm(names.join('/'));
  return realm === undefined ? unknownRealm(`/${names.join('/')}`) : { realm, resource };
}
