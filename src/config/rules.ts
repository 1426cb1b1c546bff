// Rules between settings: each value may be right by itself, and wrong beside the others.

import type { Mistake } from './error.js';
import type { RouteTarget } from './paths.js';
import type { Values, Variable } from './settings.js';
import { isLoopback } from './urls.js';

type NameOf = (variable: Variable) => string;

/** Looks at what could be parsed; a value that is missing or was refused breaks no rule. */
export function brokenRules(values: Partial<Values>, nameOf: NameOf): readonly Mistake[] {
  return [
    ...plainHttp(values, nameOf),
    ...clashingRoutes(values, nameOf),
    ...(values.POST_LOGOUT_URLS?.length === 0
      ? [{ name: nameOf('POST_LOGOUT_URLS'), problem: 'names no URL: a logout has to lead somewhere' }]
      : []),
    ...samePort(values, nameOf),
  ];
}

function plainHttp({ AM_URL, AM_PUBLIC_URL, AM_ALLOW_HTTP }: Partial<Values>, nameOf: NameOf): readonly Mistake[] {
  if (AM_ALLOW_HTTP === true) return [];
  const mistakes: Mistake[] = [];
  const problem = `is plain http to another machine; accepted: https, or ${nameOf('AM_ALLOW_HTTP')}=true`;
  if (AM_URL !== undefined && isRemoteHttp(AM_URL)) {
    mistakes.push({ name: nameOf('AM_URL'), value: AM_URL, problem });
  }
  // An AM on loopback that only knows itself by another name has a public URL of plain http too.
  const amOnLoopback = AM_URL !== undefined && AM_URL.startsWith('http:') && isLoopback(AM_URL);
  if (AM_PUBLIC_URL !== undefined && isRemoteHttp(AM_PUBLIC_URL) && !amOnLoopback) {
    mistakes.push({ name: nameOf('AM_PUBLIC_URL'), value: AM_PUBLIC_URL, problem });
  }
  return mistakes;
}

/** Whether what is sent to this URL can be read on the way. */
export function isRemoteHttp(url: string): boolean {
  return url.startsWith('http:') && !isLoopback(url);
}

function clashingRoutes(values: Partial<Values>, nameOf: NameOf): readonly Mistake[] {
  const { PROXY_ROUTES = [], PUBLIC_ROUTES = [], BASE_PATH = '' } = values;
  const ours = [`${BASE_PATH}/session`, `${BASE_PATH}/logout`, '/livez', '/readyz'];
  const taken = new Map<string, string>();
  const mistakes: Mistake[] = [];
  const look = (name: string, routes: readonly RouteTarget[]): void => {
    for (const { path } of routes) {
      const covered = ours.find((own) => path === own || path.startsWith(`${own}/`));
      const earlier = taken.get(path);
      if (covered !== undefined) {
        mistakes.push({ name, value: path, problem: `lies on a route of am-session-proxy itself, ${covered}` });
      }
      if (earlier !== undefined) {
        const where = earlier === name ? '' : ` (it is in ${earlier} already)`;
        mistakes.push({ name, value: path, problem: `is given twice${where}; accepted: each path once` });
      }
      taken.set(path, name);
    }
  };
  look(nameOf('PROXY_ROUTES'), PROXY_ROUTES);
  look(nameOf('PUBLIC_ROUTES'), PUBLIC_ROUTES);
  return mistakes;
}

function samePort({ HOST, PORT, ADMIN_HOST, ADMIN_PORT }: Partial<Values>, nameOf: NameOf): readonly Mistake[] {
  if (ADMIN_PORT === undefined || ADMIN_PORT === 0 || ADMIN_PORT !== PORT || ADMIN_HOST !== HOST) return [];
  return [{ name: nameOf('ADMIN_PORT'), value: String(ADMIN_PORT), problem: `is ${nameOf('PORT')} too` }];
}
