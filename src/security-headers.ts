// helmet's headers, computed once: the same on our own answers and on proxied ones.

import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet, { type HelmetOptions } from 'helmet';
import type { Config } from './config.js';

/** Names in lower case. */
export type SecurityHeaders = ReadonlyMap<string, string>;

/**
 * What helmet sets for these options. Its headers do not depend on the request, so one run is enough; a policy made of
 * functions (nonces) belongs to the pages of the team's own app.
 *
 * @param overrides helmet options of the team, which win over ours; with `useDefaults` its directives over our directives
 */
export function computeSecurityHeaders(config: Config, overrides: HelmetOptions = {}): SecurityHeaders {
  const headers = new Map<string, string>();
  const recorder = {
    setHeader: (name: string, value: string) => headers.set(name.toLowerCase(), value),
    removeHeader: () => undefined,
  };
  /* oxlint-disable typescript/no-unsafe-type-assertion -- helmet takes request and response, and only sets headers */
  // as plain objects: to the compiler helmet's type is a union of 65,536, and a spread of two takes it 15 seconds
  const contentSecurityPolicy = policyOf(overrides.contentSecurityPolicy, spaDirectives(config));
  const options = {
    ...(spaOptions(config) as object),
    ...(overrides as object),
    contentSecurityPolicy,
  } as HelmetOptions;
  helmet(options)({} as IncomingMessage, recorder as unknown as ServerResponse, (error) => {
    if (error) throw error;
  });
  /* oxlint-enable typescript/no-unsafe-type-assertion */
  if (overrides.contentSecurityPolicy === undefined && config.contentSecurityPolicy !== undefined) {
    if (config.contentSecurityPolicy === 'none') headers.delete('content-security-policy');
    else headers.set('content-security-policy', config.contentSecurityPolicy);
  }
  return headers;
}

export function setHeaders(res: ServerResponse, headers: SecurityHeaders): void {
  for (const [name, value] of headers) res.setHeader(name, value);
}

/** helmet's defaults assume https everywhere, and no popup; single-page apps with AM need a bit more. */
function spaOptions({ publicUrl }: Config): Omit<HelmetOptions, 'contentSecurityPolicy'> {
  return {
    strictTransportSecurity: isHttps(publicUrl) && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
    // no-referrer makes browsers send Origin: null with form posts
    referrerPolicy: { policy: 'same-origin' },
    // same-origin would cut the opener of a login popup
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
  };
}

type Policy = NonNullable<HelmetOptions['contentSecurityPolicy']>;
type Directives = NonNullable<Exclude<Policy, boolean>['directives']>;

/** The team's directives go with ours, where helmet would have them go with its own. */
function policyOf(given: Policy | undefined, ours: Directives): Policy {
  if (given === false || (typeof given === 'object' && given.useDefaults === false)) return given;
  const theirs = typeof given === 'object' ? given : {};
  const directives: Directives = { ...ours };
  // helmet takes `imgSrc` as well
  for (const [name, value] of Object.entries(theirs.directives ?? {}))
    directives[name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] = value;
  return { ...theirs, useDefaults: false, directives };
}

/** helmet's defaults know no other origin. */
function spaDirectives({ publicUrl, am, loginUrl, postLogoutUrls }: Config): Directives {
  const amOrigin = new URL(am.publicUrl).origin;
  return {
    'default-src': ["'self'"],
    'base-uri': ["'self'"],
    'connect-src': ["'self'", amOrigin],
    'font-src': ["'self'", 'data:'],
    // browsers also hold the redirects after a submitted form against it: to a login, or after a logout
    'form-action': ["'self'", ...new Set([amOrigin, ...absoluteOrigins([loginUrl, ...postLogoutUrls])])],
    'frame-ancestors': ["'self'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'object-src': ["'none'"],
    'script-src': ["'self'"],
    'script-src-attr': ["'none'"],
    // component libraries write style elements at run time
    'style-src': ["'self'", "'unsafe-inline'"],
    // on plain http it would send every script to a port that speaks no TLS
    ...(isHttps(publicUrl) && { 'upgrade-insecure-requests': [] }),
  };
}

function isHttps(publicUrl: string | undefined): boolean {
  return publicUrl?.startsWith('https:') ?? false;
}

function absoluteOrigins(urls: readonly string[]): string[] {
  return urls.filter((url) => !url.startsWith('/')).map((url) => new URL(url).origin);
}
