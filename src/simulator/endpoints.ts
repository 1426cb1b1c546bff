// Which endpoint a path means, and what AM checks on the way there.

import { type Am, type AmRequest, header } from './am.js';
import { type Answer, escapeHtml } from './answers.js';
import { createAuthenticate } from './authenticate.js';
import { meetCaller } from './caller.js';
import { answerLoginPage } from './login-page.js';
import { parseRestPath } from './realms.js';
import { checkCsrf, checkRestRequest } from './rest-checks.js';
import { answerHealth, answerIsAlive, answerServerinfo } from './serverinfo.js';
import { actionNamed, answerSessionResource, answerSessions } from './session-actions.js';
import { parseApiVersion } from './versions.js';

/** What a path means, as far as it can be told without AM's state. */
interface Route {
  readonly action: string | undefined;
  readonly realm: string | undefined;
}

const NOT_FOUND_PAGE =
  '<!doctype html><html lang="en"><title>Not Found</title><h1>HTTP Status 404 – Not Found</h1></html>';

/** `_prettyPrint=true` changes white space and nothing else. */
function prettyIfAsked(answer: Answer, query: URLSearchParams): Answer {
  if (query.get('_prettyPrint') !== 'true' || !answer.body.startsWith('{')) return answer;
  return { ...answer, body: JSON.stringify(JSON.parse(answer.body), undefined, 2) };
}

export function createEndpoints(am: Am) {
  const { answers, config } = am;
  const authenticate = createAuthenticate(am);

  function route(path: string, query: URLSearchParams): Route {
    if (path === '/isAlive.jsp') return { action: 'isAlive', realm: undefined };
    if (path === '/XUI' || path.startsWith('/XUI/')) return { action: 'login', realm: query.get('realm') ?? '/' };
    if (!path.startsWith('/json/')) return { action: undefined, realm: undefined };
    const rest = parseRestPath(path.slice('/json'.length), query, config.flavor);
    if (!('realm' in rest)) return { action: undefined, realm: undefined };
    const { realm, resource } = rest;
    if (resource === 'sessions') return { action: actionNamed(query.get('_action')), realm };
    const [first = ''] = resource.split('/');
    return { action: ['serverinfo', 'authenticate', 'health'].includes(first) ? first : undefined, realm };
  }

  function answer(request: AmRequest): Answer {
    const { path } = request;
    if (path === '/isAlive.jsp') return answerIsAlive(am);
    if (path === '/XUI' || path.startsWith('/XUI/')) return answerLoginPage(am, request);
    if (path.startsWith('/json/')) {
      const { refused, reset } = meetCaller(am, request);
      const given = refused ?? prettyIfAsked(answerRest(request), request.query);
      return reset ? { ...given, reset } : given;
    }
    if (path === '' || path === '/') return answers.text(302, undefined, '', { headers: { Location: '/am/XUI/' } });
    return answers.html(404, NOT_FOUND_PAGE);
  }

  // The order is OpenAM's (measured): the caller, version syntax, host, realm, REST framework, then the endpoint.
  function answerRest(request: AmRequest): Answer {
    const versionHeader = header(request.headers, 'Accept-API-Version');
    const version = parseApiVersion(versionHeader);
    if (version === undefined) {
      return answers.text(400, undefined, `Version string is in an invalid format: ${versionHeader}`, {
        early: true,
      });
    }
    const hostname = (header(request.headers, 'Host') ?? '').replace(/:\d+$/, '').toLowerCase();
    if (config.hostNames?.some((name) => name.toLowerCase() === hostname) === false) {
      const isRealm = config.flavor === 'openam' && request.path.startsWith('/json/realms/');
      const message = isRealm ? `Realm "${hostname}" not found` : `FQDN "${hostname}" is not valid.`;
      return answers.error(400, escapeHtml(message), { early: true });
    }
    const forged = checkCsrf(am, request);
    if (forged !== undefined) return forged;
    const rest = parseRestPath(request.path.slice('/json'.length), request.query, config.flavor);
    if (!('realm' in rest)) return answers.error(rest.status, rest.message, { early: rest.early ?? false });

    const { realm, resource } = rest;
    if (resource === 'authenticate') return authenticate(request, version, realm);
    const health = resource === 'health/live' || resource === 'health/ready';
    if (health && config.flavor === 'ping') return answerHealth(am);
    const malformed = checkRestRequest(am, request, version);
    if (malformed !== undefined) return malformed;
    if (resource === 'sessions') return answerSessions(am, request, version);
    if (resource.startsWith('sessions/') && config.flavor === 'openam') return answerSessionResource(am, request);
    if (resource.startsWith('serverinfo/')) {
      return answerServerinfo(am, request, version, realm, resource.slice('serverinfo/'.length));
    }
    return answers.error(404, escapeHtml(`Resource '${resource}' not found`));
  }

  return { route, answer };
}
