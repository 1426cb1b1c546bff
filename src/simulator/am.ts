// What every endpoint works on: AM's state, and a request as an endpoint sees it.

import type { IncomingHttpHeaders } from 'node:http';
import { type Answers, createAnswers } from './answers.js';
import { type AmClock, createAmClock } from './clock.js';
import { type Cookies, createCookies, readCookie } from './cookies.js';
import type { SimulatorConfig } from './options.js';
import { createSessionTable, type SessionTable } from './sessions.js';

export interface Am {
  readonly config: SimulatorConfig;
  readonly clock: AmClock;
  readonly table: SessionTable;
  readonly answers: Answers;
  readonly cookies: Cookies;
  /** The administrator may rename it while AM runs. */
  cookieName: string;
}

export interface AmRequest {
  readonly method: string;
  /** What follows `/am`, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The token in the header that is named as the cookie. */
  readonly headerToken: string | undefined;
  /** The token in the first cookie of that name. */
  readonly cookieToken: string | undefined;
}

export function createAm(config: SimulatorConfig): Am {
  const clock = createAmClock(config.clock, config.clockSkewS);
  return {
    config,
    clock,
    table: createSessionTable({ ...config, clock }),
    answers: createAnswers(config.flavor),
    cookies: createCookies(config),
    cookieName: config.cookieName,
  };
}

/** A header that comes once; undefined if it is absent or empty. */
export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function readTokens(headers: IncomingHttpHeaders, { config: { flavor }, cookieName }: Am) {
  return {
    headerToken: header(headers, cookieName),
    cookieToken: readCookie(headers.cookie, cookieName, flavor),
  };
}
