// What AM's REST framework checks before it looks at the token: headers, content, method.

import { type AmRequest, type Am, header } from './am.js';
import { type Answer, escapeHtml } from './answers.js';
import type { ApiVersion } from './versions.js';

const JSON_TYPE = 'application/json';

/**
 * AM 7.1 and later: a call that changes something and comes with the token in a cookie needs a header that no plain
 * form can send (Ping AM security guide, "CSRF"). OpenAM has no such filter.
 */
export function checkCsrf(am: Am, request: AmRequest): Answer | undefined {
  const { method, headers, headerToken, cookieToken } = request;
  const safe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  if (am.config.flavor === 'openam' || safe || cookieToken === undefined || headerToken !== undefined) return undefined;
  if (headers['x-requested-with'] !== undefined || headers['accept-api-version'] !== undefined) return undefined;
  return am.answers.error(403, 'Forbidden');
}

export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Whether there is an error in the request itself; all of it as measured on OpenAM 16. */
export function checkRestRequest(
  { answers, config: { flavor } }: Am,
  request: AmRequest,
  version: ApiVersion,
): Answer | undefined {
  const { method, headers, query, body } = request;
  const protocol = version.protocol ?? '1.0';
  if (!['1.0', '2.0', '2.1', '1', '2'].includes(protocol)) {
    return answers.error(400, `Unsupported major version: ${protocol}`);
  }
  for (const name of ['If-Modified-Since', 'If-Unmodified-Since']) {
    if (header(headers, name) !== undefined) return answers.error(409, `Header ${name} not supported`);
  }
  if (method === 'HEAD') return answers.empty(501, { headers: { 'Content-Type': 'application/json;charset=UTF-8' } });
  if (method === 'OPTIONS') return answers.empty(200, { early: true });
  if (method === 'GET') {
    return query.has('_action')
      ? answers.error(400, escapeHtml("Unrecognized request parameter '_action'"))
      : undefined;
  }
  // What becomes of DELETE and the like is OpenAM's to say.
  if (method !== 'POST') return flavor === 'openam' ? undefined : answers.error(405, 'Method Not Allowed');
  for (const name of ['If-Match', 'If-None-Match']) {
    if (header(headers, name) !== undefined) return answers.error(412, `${name} not supported for POST requests`);
  }
  return checkContent(answers.error, header(headers, 'Content-Type'), query.has('_action'), body);
}

function checkContent(
  error: (code: number, message: string) => Answer,
  contentType: string | undefined,
  hasAction: boolean,
  body: string,
): Answer | undefined {
  const could = 'The request could not be processed because';
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === undefined && body === '') {
    return hasAction ? undefined : error(400, `${could} the  content-type was not specified and is required`);
  }
  if (type === 'multipart/form-data') return error(400, `${could} the request cant be parsed`);
  if (type !== undefined && type !== JSON_TYPE) {
    const accepted = `the content-type '${JSON_TYPE}' and 'multipart/form-data' are supported`;
    return error(400, escapeHtml(`${could} it specified the content-type '${type}' when only ${accepted}`));
  }
  if (body === '') return hasAction ? undefined : error(400, `${could} it did not contain any JSON content`);
  return parseJson(body) === undefined ? error(400, `${could} the provided content is not valid JSON`) : undefined;
}
