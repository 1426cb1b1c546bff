// Requests that are malformed, go to the wrong host, or use another method; and which answers end the connection.

import http from 'node:http';
import { describe, expect, test } from 'vitest';
import { accessDenied, act, ask, forbidden, jsonType, login, seen, type Target, v2 } from './target.js';

const could = 'The request could not be processed because';
const supported =
  'when only the content-type &#39;application/json&#39; and &#39;multipart/form-data&#39; are supported';

const date = 'Sun, 22 Nov 2026 09:17:56 GMT';

export function describeRequests(am: () => Target): void {
  /** `getSessionInfo` with a live token and these headers alone. */
  const post = async (headers: Record<string, string>, body?: string, query = '?_action=getSessionInfo') =>
    ask(am(), `/json/sessions${query}`, {
      method: 'POST',
      headers: { [am().cookieName]: await login(am()), ...headers },
      ...(body !== undefined && { body }),
    });

  describe('headers and body', () => {
    test.each([
      ['no type, no body', {}, undefined, 200],
      ['no type, JSON', {}, '{}', 200],
      ['JSON', { 'Content-Type': 'Application/JSON; charset=UTF-8' }, '{}', 200],
      ['JSON that is no object', { 'Content-Type': 'application/json' }, '[]', 200],
      ['Origin of another site', { Origin: 'http://evil.example' }, undefined, 200],
      ['another type asked for', { Accept: 'text/html' }, undefined, 200],
      ['no type, no JSON', {}, 'a=b', 400],
    ] as const)('%s', async (_title, headers, body, status) => {
      expect((await post(headers, body)).status).toBe(status);
    });

    test.each([
      [
        'a type that is not supported',
        { 'Content-Type': 'text/plain' },
        '{}',
        400,
        `${could} it specified the content-type &#39;text/plain&#39; ${supported}`,
      ],
      [
        'JSON that is none',
        { 'Content-Type': 'application/json' },
        'a=b',
        400,
        `${could} the provided content is not valid JSON`,
      ],
      [
        'parts without a boundary',
        { 'Content-Type': 'multipart/form-data' },
        '',
        400,
        `${could} the request cant be parsed`,
      ],
      ['If-Match', { 'If-Match': '*' }, '', 412, 'If-Match not supported for POST requests'],
      ['If-None-Match', { 'If-None-Match': '*' }, '', 412, 'If-None-Match not supported for POST requests'],
      ['If-Modified-Since', { 'If-Modified-Since': date }, '', 409, 'Header If-Modified-Since not supported'],
      ['If-Unmodified-Since', { 'If-Unmodified-Since': date }, '', 409, 'Header If-Unmodified-Since not supported'],
      [
        'a protocol that does not exist',
        { 'Accept-API-Version': 'resource=2.0, protocol=9.0' },
        '',
        400,
        'Unsupported major version: 9.0',
      ],
    ])('%s is refused', async (_title, headers, body, status, message) => {
      const reply = await post(headers as Record<string, string>, body);
      expect(seen(reply)).toMatchObject([status, { code: status, message }]);
      expect(reply.headers['content-type']).toBe(jsonType);
    });

    test.each(['resource=x', 'resource = 2.0', 'resource=2.0,', 'bogus=1'])(
      'the version "%s" is 400 with a text of no type',
      async (version) => {
        const reply = await act(am(), 'getSessionInfo', await login(am()), { version });
        expect([reply.status, reply.text]).toEqual([400, `Version string is in an invalid format: ${version}`]);
        expect(reply.headers['content-type']).toBeUndefined();
      },
    );

    test('these come before the question who calls', async () => {
      expect((await act(am(), 'getSessionInfo', 'dead', { headers: { 'If-Match': '*' } })).status).toBe(412);
      expect((await act(am(), 'getSessionInfo', 'dead', { headers: { 'Content-Type': 'a/b' } })).status).toBe(400);
    });
  });

  describe('methods', () => {
    test('no action is 403, or 401 of a dead token; without a body it is 400', async () => {
      expect(seen(await post({ 'Content-Type': 'application/json' }, '{}', ''))).toEqual([403, forbidden]);
      const dead = { [am().cookieName]: 'dead', 'Content-Type': 'application/json' };
      expect(seen(await ask(am(), '/json/sessions', { method: 'POST', headers: dead, body: '{}' }))).toEqual([
        401,
        accessDenied,
      ]);
      expect(seen(await post({ 'Content-Type': 'application/json' }, '', ''))).toMatchObject([
        400,
        { message: `${could} it did not contain any JSON content` },
      ]);
      expect(seen(await post({}, undefined, ''))).toMatchObject([
        400,
        { message: `${could} the  content-type was not specified and is required` },
      ]);
    });

    test('GET never runs an action', async () => {
      const headers = { [am().cookieName]: await login(am()) };
      expect(seen(await ask(am(), '/json/sessions?_action=getSessionInfo', { headers }))).toMatchObject([
        400,
        { message: 'Unrecognized request parameter &#39;_action&#39;' },
      ]);
      expect(seen(await ask(am(), '/json/sessions', { headers }))).toMatchObject([
        400,
        { message: 'The resource collection  cannot be read' },
      ]);
      expect(seen(await ask(am(), '/json/sessions'))).toEqual([401, accessDenied]);
    });

    test.each([
      ['PUT', 404, 404],
      ['DELETE', 403, 401],
      ['OPTIONS', 200, 200],
      ['HEAD', 501, 501],
    ])('%s is %i, of a dead token %i', async (method, alive, dead) => {
      for (const [token, status] of [
        [await login(am()), alive],
        ['dead', dead],
      ] as const) {
        const headers = { [am().cookieName]: token, 'Content-Type': 'application/json' };
        const body = method === 'PUT' ? { body: '{}' } : {};
        expect((await ask(am(), '/json/sessions', { method, headers, ...body })).status).toBe(status);
      }
    });
  });

  describe('Host', () => {
    const fqdn = (host: string) => `FQDN &quot;${host}&quot; is not valid.`;

    test('a name that AM does not know is 400', async () => {
      for (const [path, message] of [
        ['/json/sessions?_action=getSessionInfo', fqdn('other.example.com')],
        ['/json/serverinfo/*', fqdn('other.example.com')],
        ['/json/realms/root/serverinfo/*', 'Realm &quot;other.example.com&quot; not found'],
      ] as const) {
        const headers = { Host: 'other.example.com:8080', [am().cookieName]: await login(am()) };
        const method = path.includes('_action') ? 'POST' : 'GET';
        expect(seen(await ask(am(), path, { method, headers }))).toEqual([
          400,
          { code: 400, reason: 'Bad Request', message },
        ]);
      }
    });

    test('the name counts without regard to case, the port for nothing', async () => {
      const name = am().host.replace(/:\d+$/, '');
      for (const Host of [name, `${name}:1`, name.toUpperCase()]) {
        expect((await ask(am(), '/json/serverinfo/*', { headers: { Host } })).status).toBe(200);
      }
    });
  });

  test('400, 500 and 501 end the connection, other answers do not', async () => {
    const token = await login(am());
    const headers = { Connection: 'keep-alive' };
    const connection = async (action: string, of: string, version: string) => {
      const reply = await act(am(), action, of, { version, headers });
      return [reply.status, reply.headers.connection ?? 'keep-alive'];
    };
    expect(await connection('getSessionInfo', token, v2)).toEqual([200, 'keep-alive']);
    expect(await connection('refresh', token, v2)).toEqual([403, 'keep-alive']);
    expect(await connection('refresh', 'dead', v2)).toEqual([401, 'keep-alive']);
    expect(await connection('getSessionInfo', token, 'resource=4.0')).toEqual([404, 'keep-alive']);
    expect(await connection('validate', token, v2)).toEqual([501, 'close']);
    expect(await connection('getSessionInfo', token, 'resource=x')).toEqual([400, 'close']);
    expect(await connection('getSessionInfo', '*abcd*', v2)).toEqual([500, 'close']);
  });

  test('a connection is kept for a minute', async () => {
    const agent = new http.Agent({ keepAlive: true });
    const keepAlive = await new Promise((resolve, reject) => {
      http
        .get(`${am().url}/json/serverinfo/*`, { agent, headers: { Host: am().host } }, (res) => {
          res.resume().on('end', () => resolve(res.headers['keep-alive']));
        })
        .on('error', reject);
    });
    agent.destroy();
    expect(keepAlive).toBe('timeout=60');
  });
}
