// What AM tells about itself without a session: serverinfo, isAlive.jsp, health.

import type { Am, AmRequest } from './am.js';
import { type Answer, escapeHtml } from './answers.js';
import { type ApiVersion, matchVersion } from './versions.js';

const ALIVE = `<html>
<head><title>OpenAM</title></head>
<body><h1>Server is ALIVE: </h1></body>
</html>
`;

/** `serverinfo/*` and `serverinfo/cookieDomains`, resource 1.0 and 1.1, with `_fields`. */
export function answerServerinfo(am: Am, request: AmRequest, version: ApiVersion, realm: string, id: string): Answer {
  const { answers, config, table } = am;
  const known = id === '*' || id === 'cookieDomains';
  if (config.flavor === 'openam' && request.method !== 'GET') {
    const refused = table.authenticate(request.cookieToken ?? request.headerToken);
    return refused === undefined
      ? answers.error(501, 'Operation is not supported.')
      : answers.json(refused.status, refused.body, { outcome: refused.outcome });
  }
  if (config.flavor === 'openam' && !known && matchVersion(version.resource, ['1.1']) !== undefined) {
    const headers = { 'Content-API-Version': 'resource=1.1' };
    return answers.error(501, escapeHtml(`ResourceId not supported: ${id}`), { headers });
  }
  if (!known || matchVersion(version.resource, ['1.1']) === undefined) {
    return known && config.flavor === 'ping'
      ? answers.empty(404)
      : answers.error(404, escapeHtml(`Resource '${id}' not found`));
  }
  if (request.method !== 'GET') return answers.error(405, 'Method Not Allowed');
  const revision = '-583868238';
  const info: Record<string, unknown> = { domains: config.cookieDomains, ...(id === '*' ? details(am, realm) : {}) };
  const fields = request.query.get('_fields');
  const wanted = fields === null || fields === '' ? Object.keys(info) : fields.split(',');
  // Protocol 1 has the two in no body (measured on OpenAM).
  const named = !(version.protocol ?? '2').startsWith('1') || config.flavor === 'ping';
  const body = {
    ...(named ? { _id: id, _rev: revision } : {}),
    ...Object.fromEntries(wanted.filter((name) => name in info).map((name) => [name, info[name]])),
  };
  return answers.json(200, body, { headers: { 'Content-API-Version': 'resource=1.1', ETag: `"${revision}"` } });
}

function details({ config, cookieName }: Am, realm: string): Record<string, unknown> {
  return {
    protectedUserAttributes: [],
    cookieName,
    secureCookie: config.cookieSecure,
    ...(config.flavor === 'openam' ? { cookieSameSite: null } : {}),
    forgotPassword: 'false',
    forgotUsername: 'false',
    kbaEnabled: 'false',
    selfRegistration: 'false',
    lang: 'en-US',
    successfulUserRegistrationDestination: 'default',
    socialImplementations: [],
    referralsEnabled: 'false',
    zeroPageLogin: { enabled: false, refererWhitelist: [], allowedWithoutReferer: true },
    realm,
    xuiUserSessionValidationEnabled: true,
  };
}

export const answerIsAlive = ({ answers }: Am): Answer => answers.html(200, ALIVE);

/** `/json/health/live` and `/ready`: AM 7.1 and later. */
export const answerHealth = ({ answers }: Am): Answer => answers.empty(200);
