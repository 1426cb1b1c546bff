// The shapes of AM's answers: JSON bodies, error bodies, the headers that go with them.

import { STATUS_CODES } from 'node:http';
import type { Flavor, SessionOutcome } from './sessions.js';

export type Outcome = SessionOutcome | 'served' | 'authenticated' | 'faulted';

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** A whole answer, before anything is written to a socket. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly outcome: Outcome;
  /** Whether the request reset a session's idle time. */
  readonly reset: boolean;
}

export interface AnswerOptions {
  readonly outcome?: Outcome;
  readonly reset?: boolean;
  readonly headers?: Headers;
  /** Said in front of the REST framework, which adds its headers to what it says itself (measured on OpenAM). */
  readonly early?: boolean;
}

const JSON_TYPE = 'application/json;charset=UTF-8';

// Repeated lines and all, as captured from an AM 7; OpenAM 16 sends the two.
const COMMON: Record<Flavor, Headers> = {
  ping: {
    'X-Frame-Options': 'SAMEORIGIN',
    'X-Content-Type-Options': ['nosniff', 'nosniff'],
    'Cache-Control': ['private', 'no-cache, no-store, must-revalidate'],
    Expires: '0',
    Pragma: 'no-cache',
  },
  openam: { 'X-Frame-Options': 'SAMEORIGIN', 'Cache-Control': 'no-cache' },
};
const EARLY: Record<Flavor, Headers> = { ping: COMMON.ping, openam: { 'X-Frame-Options': 'SAMEORIGIN' } };

// As AM's REST framework has them: older than Node's in one case.
const REASONS: Readonly<Record<number, string | undefined>> = { ...STATUS_CODES, 408: 'Request Time-out' };

export type Answers = ReturnType<typeof createAnswers>;

export function createAnswers(flavor: Flavor) {
  function text(status: number, type: string | undefined, body: string, options: AnswerOptions = {}): Answer {
    const { outcome = status < 400 ? 'served' : 'refused', reset = false, headers = {}, early = false } = options;
    const common = (early ? EARLY : COMMON)[flavor];
    const contentType = type === undefined ? {} : { 'Content-Type': type };
    return { status, headers: { ...common, ...contentType, ...headers }, body, outcome, reset };
  }

  const json = (status: number, body: unknown, options?: AnswerOptions): Answer =>
    text(status, JSON_TYPE, JSON.stringify(body), options);

  return {
    text,
    json,
    /** The error body of AM's REST framework. */
    error: (code: number, message: string, options?: AnswerOptions): Answer =>
      json(code, { code, reason: REASONS[code] ?? '', message }, options),
    empty: (status: number, options?: AnswerOptions): Answer => text(status, undefined, '', options),
    html: (status: number, body: string, options?: AnswerOptions): Answer =>
      text(status, 'text/html;charset=UTF-8', body, options),
  };
}

/** For text inside HTML and, as AM does it, inside error messages. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
