import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, mounts, pause, startStack, type Stack } from './support/stack.js';

/** How soon the upstream has to know. */
const soonMs = 1_000;

describe.each(mounts)('a client that goes away ends the request at the upstream, mounted by %s', (mount) => {
  let stack: Stack;
  let headers: http.OutgoingHttpHeaders;
  beforeAll(async () => {
    stack = await startStack({ mount });
    headers = { cookie: `${stack.am.cookieName}=${stack.am.login()}` };
  });
  afterAll(() => stack.close());
  afterEach(() => {
    stack.upstream.answer = undefined;
  });

  /** Sends the request; resolves when the upstream has it. */
  async function start(method: string, more: http.OutgoingHttpHeaders = {}) {
    const arrived = new Promise<{ req: IncomingMessage; res: ServerResponse }>((resolve) => {
      stack.upstream.answer = (req, res) => resolve({ req, res });
    });
    const client = http.request(`${stack.url}/api/x`, { method, agent: false, headers: { ...headers, ...more } });
    client.on('error', () => undefined);
    return { client, arrived };
  }

  it('while it waits for the answer', async () => {
    const { client, arrived } = await start('GET');
    client.end();
    const { res } = await arrived;
    client.destroy();
    await eventually(() => res.destroyed, soonMs);
  });

  it('in the middle of its upload', async () => {
    const { client, arrived } = await start('POST', { 'content-length': 1000 });
    client.write('the beginning');
    const { req } = await arrived;
    const failed = once(req, 'error', { signal: AbortSignal.timeout(soonMs) });
    req.on('data', () => client.destroy());
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(req.complete).toBe(false);
  });

  it('in the middle of its download', async () => {
    const { client, arrived } = await start('GET');
    client.end();
    const { res } = await arrived;
    res.write('the beginning');
    const [answer] = (await once(client, 'response')) as [IncomingMessage];
    await once(answer, 'data');
    client.destroy();
    await eventually(() => res.destroyed, soonMs);
    expect(res.writableFinished).toBe(false);
  });

  it('in the middle of a chunked upload, by a reset', async () => {
    const { client, arrived } = await start('PUT', { 'transfer-encoding': 'chunked' });
    client.write('the beginning');
    const { req } = await arrived;
    const failed = once(req, 'error', { signal: AbortSignal.timeout(soonMs) });
    req.on('data', () => client.socket?.resetAndDestroy());
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(req.complete).toBe(false);
  });

  it.each(['closes', 'resets'])('in a download that waits for it, when it %s', async (how) => {
    const { client, arrived } = await start('GET');
    client.end();
    const { res } = await arrived;
    const [answer] = (await Promise.all([once(client, 'response'), fill(res)]))[0] as [IncomingMessage];
    answer.on('error', () => undefined);
    if (how === 'closes') client.destroy();
    else client.socket?.resetAndDestroy();
    await eventually(() => res.destroyed, soonMs);
    expect(res.writableFinished).toBe(false);
  });

  it('and the next request is served', async () => {
    expect((await stack.request('/api/x', { headers })).status).toBe(200);
  });
});

/** Writes until nobody has taken anything for a while. */
async function fill(res: ServerResponse): Promise<void> {
  for (let isTaken = true; isTaken;) {
    if (res.write(Buffer.alloc(1024 * 1024))) continue;
    isTaken = await Promise.race([once(res, 'drain').then(() => true), pause(300).then(() => false)]);
  }
}
