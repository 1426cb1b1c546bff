// POST /json/sessions?_action=…: who calls, about whom, at which version, and then the action itself.

import type { Am, AmRequest } from './am.js';
import { type Answer, escapeHtml } from './answers.js';
import { parseJson } from './rest-checks.js';
import { FORBIDDEN, type Flavor, type SessionAnswer } from './sessions.js';
import { type ApiVersion, majorOf, matchVersion } from './versions.js';

const ACTIONS = ['refresh', 'getSessionInfo', 'getSessionInfoAndResetIdleTime', 'validate', 'logout'] as const;
type Action = (typeof ACTIONS)[number];

const VERSIONS: Record<Flavor, readonly string[]> = {
  ping: ['1.2', '2.1', '3.2', '4.0', '5.1'],
  openam: ['1.2', '2.0'],
};

// The majors at which a version carries an action. On OpenAM an ordinary user's own token has no right to the others.
const CARRIED: Record<Flavor, Partial<Record<Action, readonly number[]>>> = {
  ping: {
    refresh: [2, 3, 4, 5],
    getSessionInfo: [2, 3, 4, 5],
    getSessionInfoAndResetIdleTime: [4, 5],
    validate: [1, 2, 3, 4, 5],
    logout: [1, 2, 3, 4, 5],
  },
  openam: { getSessionInfo: [2], validate: [1], logout: [1, 2] },
};

/** The action as AM spells it; names of actions are compared without case. */
export function actionNamed(name: string | null): string | undefined {
  if (name === null) return undefined;
  return ACTIONS.find((action) => action.toLowerCase() === name.toLowerCase()) ?? name;
}

const isAction = (name: string | undefined): name is Action => ACTIONS.some((action) => action === name);

/** The token that the request is about, which need not be the caller's: Ping AM takes it from the body, OpenAM from the query. */
function targetOf(am: Am, { query, body, headerToken, cookieToken }: AmRequest): string | undefined {
  const own = headerToken ?? cookieToken;
  if (am.config.flavor === 'openam') return query.get('tokenId') ?? own;
  const json = parseJson(body);
  if (typeof json !== 'object' || json === null || !('tokenId' in json)) return own;
  return typeof json.tokenId === 'string' ? json.tokenId : own;
}

/** Who calls, and whose session it is about. */
interface Parties {
  readonly caller: string | undefined;
  readonly target: string | undefined;
}

/** OpenAM has no right for an ordinary user on one session of the collection, whatever its name. */
export function answerSessionResource(am: Am, { cookieToken, headerToken }: AmRequest): Answer {
  const refused = am.table.authenticate(cookieToken ?? headerToken);
  return refused === undefined ? am.answers.json(403, FORBIDDEN) : withBody(am, refused);
}

export function answerSessions(am: Am, request: AmRequest, version: ApiVersion): Answer {
  const { answers, table, config } = am;
  if (request.method === 'PUT') return unknownVersion(am, false);
  const { flavor } = config;
  const action = actionNamed(request.query.get('_action'));
  const offered = matchVersion(version.resource, VERSIONS[flavor]);
  // OpenAM looks for the caller in the cookie first, for the target in the header first (measured).
  const caller = request.cookieToken ?? request.headerToken;
  const target = targetOf(am, request);
  let reset = false;

  // OpenAM lets `validate` through without asking who calls.
  const open = flavor === 'openam' && action === 'validate';
  if (!open) {
    const refused = table.authenticate(caller);
    if (refused !== undefined) return withBody(am, refused);
    reset = flavor === 'openam';
    if (request.method !== 'GET' && !mayCall(am, action, { caller, target })) {
      return answers.json(403, FORBIDDEN, { reset });
    }
  }

  if (offered === undefined) return unknownVersion(am, reset);
  const headers = versionHeaders(flavor, offered, version);
  if (request.method === 'GET') {
    return answers.error(400, 'The resource collection  cannot be read', { headers, reset });
  }
  if (!isAction(action) || CARRIED[flavor][action]?.includes(majorOf(offered)) !== true) {
    const message = `Action ${request.query.get('_action')} not implemented for this resource`;
    return answers.error(501, escapeHtml(message), { headers, reset });
  }
  if (open && target === undefined) {
    return answers.error(400, 'iPlanetDirectoryCookie not set on request', { headers });
  }
  const done = perform(am, action, majorOf(offered), { caller, target }, request.query);
  const cookies = done.outcome === 'ended' ? { 'Set-Cookie': am.cookies.logout(am.cookieName) } : {};
  return withBody(am, done, { ...headers, ...cookies });
}

/**
 * No administrator is simulated: nobody may act on another user's session, and on OpenAM not refresh his own. On OpenAM
 * all sessions of one user in one realm are his own, and anybody may end any session that he has the token of (measured).
 */
function mayCall({ table, config }: Am, action: string | undefined, { caller, target }: Parties): boolean {
  if (config.flavor === 'ping') return target === caller || action === 'validate';
  if (!isAction(action) || CARRIED.openam[action] === undefined) return false;
  if (action === 'logout') return target !== undefined;
  const [own, others] = [table.peek(caller), table.peek(target)];
  return own?.username === others?.username && own?.realm === others?.realm;
}

function perform(am: Am, action: Action, major: number, who: Parties, query: URLSearchParams): SessionAnswer {
  const { table } = am;
  const { target } = who;
  if (action === 'refresh') return table.refresh(target);
  if (action === 'logout') return logout(am, who);
  if (action === 'validate') return validate(am, who, query.get('refresh') !== 'false');
  return table.getSessionInfo(target, action === 'getSessionInfoAndResetIdleTime', major);
}

function logout({ table, config }: Am, { target, caller }: Parties): SessionAnswer {
  const answer = table.logout(target);
  // OpenAM: to a caller who is alive himself, another's dead token is no error.
  const anothers = config.flavor === 'openam' && target !== caller && answer.outcome === 'dead';
  return anothers ? { ...answer, status: 200, body: { result: 'Token has expired' } } : answer;
}

function validate({ table, config }: Am, { target, caller }: Parties, refresh: boolean): SessionAnswer {
  const answer = table.validate(target, refresh);
  // Ping AM: to a caller who is alive himself, another's dead token is no error.
  const anothers = config.flavor === 'ping' && target !== caller && answer.outcome === 'dead';
  return anothers ? { ...answer, status: 200, body: { valid: false } } : answer;
}

function versionHeaders(flavor: Flavor, offered: string, version: ApiVersion): Record<string, string> {
  const headers = { 'Content-API-Version': `resource=${offered}` };
  if (flavor === 'openam' || version.resource !== undefined) return headers;
  return { ...headers, Warning: '100 CREST "Accept-API-Version should be included in the request."' };
}

function unknownVersion({ answers, config }: Am, reset: boolean): Answer {
  return config.flavor === 'ping'
    ? answers.empty(404, { reset })
    : answers.error(404, escapeHtml("Resource '' not found"), { reset });
}

function withBody({ answers }: Am, answer: SessionAnswer, headers: Record<string, string | string[]> = {}): Answer {
  const { status, body, outcome, reset } = answer;
  // A 500 of OpenAM's container has neither a body nor a type nor an API version; a 401 or 403 has no API version.
  if (body === undefined) return answers.empty(status, { outcome, reset, early: true });
  return answers.json(status, body, { outcome, reset, headers: status === 200 ? headers : {} });
}
