// The SSO cookie's name and domains: configured, or what AM says of itself.

import type { ServerInfo } from './answers.js';

export interface SsoCookie {
  /** Undefined until AM has said it. */
  readonly name: string | undefined;
  /** The name and those it had before: upstreams see none of them. A new set after each change. */
  readonly names: ReadonlySet<string>;
  /** AM's cookie domains. */
  readonly domains: readonly string[];
  /** Takes over what AM says; true if the cookie has another name than before. */
  learn(info: ServerInfo): boolean;
}

/** An administrator renames the cookie once in years; more names than this are somebody's mistake. */
const namesMax = 10;

export function createSsoCookie(configured: string | undefined): SsoCookie {
  let name = configured;
  let names: ReadonlySet<string> = new Set(configured === undefined ? [] : [configured]);
  let domains: readonly string[] = [];

  return {
    get name() {
      return name;
    },
    get names() {
      return names;
    },
    get domains() {
      return domains;
    },
    learn(info) {
      domains = info.domains;
      if (configured !== undefined || info.cookieName === name) return false;
      const renamed = name !== undefined;
      name = info.cookieName;
      names = new Set([name, ...names].slice(0, namesMax));
      return renamed;
    },
  };
}
