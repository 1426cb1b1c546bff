// One request of a user's browser to a node, and a record of how it went; and what users ask of AM itself.
import { createHash } from 'node:crypto';
import http from 'node:http';

const patienceMs = 10_000;
const background = { 'x-session-activity': 'background' };

const kinds = {
  click: { method: 'GET', path: '/api/data', isActivity: true },
  post: { method: 'POST', path: '/api/data', isActivity: true },
  refresh: { method: 'POST', path: '/session/refresh', isActivity: true },
  poll: { method: 'GET', path: '/api/news', headers: background },
  look: { method: 'GET', path: '/session' },
  logout: { method: 'POST', path: '/logout' },
  livez: { method: 'GET', path: '/livez' },
};

export const isActivity = (kind) => kinds[kind].isActivity === true;

export function createRequests({ world, nodes, timeline }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
  const records = [];

  /** Resolves with the record, whatever happens. */
  async function send(session, node, kind) {
    const { method, path, headers } = kinds[kind];
    const at = Date.now();
    const began = performance.now();
    const answer = await exchange({
      port: nodes[node].port,
      method,
      path,
      headers: { ...headers, cookie: session.cookie, 'x-forwarded-for': session.address },
    });
    const record = { session, node, kind, at, until: Date.now(), ms: performance.now() - began, ...read(answer) };
    records.push(record);
    return record;
  }

  function read({ error, status, text }) {
    if (error) return { error };
    const body = parse(text);
    if (body.hasToken) timeline.problem('a token reached the API');
    // a 200 that says that nobody is logged in is a 401 to the oracle
    const isNobody = body.authenticated === false;
    return {
      status: isNobody ? 401 : status,
      code: isNobody ? body.reason : body.code,
      name: body.user ?? body.username,
      am: body.am,
    };
  }

  function exchange({ port, method, path, headers }) {
    return new Promise((resolve) => {
      const outgoing = http.request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.once('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }));
        answer.once('error', (error) => resolve({ error: error.code ?? error.message }));
      });
      const late = setTimeout(() => outgoing.destroy(new Error('no answer')), patienceMs);
      outgoing.once('close', () => clearTimeout(late));
      outgoing.once('error', (error) => resolve({ error: error.code ?? error.message }));
      outgoing.end(method === 'POST' ? '{}' : undefined);
    });
  }

  async function logIn(user, address) {
    const at = Date.now();
    const { status, text, error } = await askAm('/json/realms/root/authenticate', {
      'x-openam-username': user,
      'x-openam-password': 'changeit',
      'accept-api-version': 'resource=2.1, protocol=1.0',
    });
    if (status !== 200) throw new Error(`login at AM: ${error ?? status}`);
    const token = parse(text).tokenId;
    const hash = createHash('sha256').update(token).digest('hex').slice(0, 16);
    return { user, address, token, hash, cookie: `${world.cookieName}=${token}`, loginAt: at, leaving: undefined };
  }

  /** Another application logs the user out; true: AM did. */
  async function logOutAtAm({ token }) {
    const { status } = await askAm('/json/realms/root/sessions?_action=logout', {
      [world.cookieName]: token,
      'accept-api-version': 'resource=3.1, protocol=1.0',
      'x-requested-with': 'chaos',
    });
    // dead already: an answer before was lost
    return status === 200 || status === 401;
  }

  function askAm(path, headers) {
    const { port, pathname } = new URL(world.amUrl);
    return exchange({
      port,
      method: 'POST',
      path: pathname + path,
      headers: { ...headers, 'content-type': 'application/json' },
    });
  }

  return { records, send, logIn, logOutAtAm, close: () => agent.destroy() };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
