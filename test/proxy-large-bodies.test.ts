// 100 MB through the command: in the test nothing is ever whole in memory either.

import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAmSimulator, type AmSimulator } from '../src/simulator/index.js';
import { startCommand } from './support/command.js';
import { eventually, pause } from './support/stack.js';
import { request } from './support/http.js';
import { startUpstream, type Upstream } from './support/upstream.js';

const MB = 1024 * 1024;
const size = 100 * MB;
const pieceSize = MB / 16;
const timeoutMs = 60_000;

/**
 * What memory may grow by over all of this. V8 lets buffers lie for a while before it collects them: in one download a
 * proxy of ten lines on `node:http` grows by 35 MB on Node 20 and by 64 MB on Node 24, whatever the length of the body.
 */
const growthMax = (Number(process.versions.node.split('.')[0]) < 24 ? 64 : 112) * MB;

/** How fast a side is; 20 ms for each MB is slow enough for the other side to wait. */
type Pace = 'fast' | 'slow';

/** No two pieces are alike: one that is lost, doubled or out of its place changes the hash. */
async function* pieces(pace: Pace): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < size; offset += pieceSize) {
    const piece = Buffer.alloc(pieceSize, 'am-session-proxy ');
    piece.writeUInt32BE(offset);
    yield piece;
    if (pace === 'slow' && offset % MB === 0) await pause(20);
  }
}

async function hashOf(stream: AsyncIterable<Buffer>, pace: Pace = 'fast'): Promise<string> {
  const hash: Hash = createHash('sha256');
  let taken = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    const before = taken;
    taken += chunk.length;
    if (pace === 'slow' && Math.floor(before / MB) !== Math.floor(taken / MB)) await pause(20);
  }
  return hash.digest('hex');
}

const framings = { 'with its length': { 'content-length': size }, 'in chunks': { 'transfer-encoding': 'chunked' } };
const framingNames = Object.keys(framings) as (keyof typeof framings)[];

describe('100 MB through the command', () => {
  let am: AmSimulator;
  let upstream: Upstream;
  let command: ReturnType<typeof startCommand>;
  let url: string;
  let cookie: string;
  let sent: string;
  /** After the small requests. */
  let usual: number;

  beforeAll(async () => {
    am = await createAmSimulator();
    upstream = await startUpstream();
    command = startCommand([], { PORT: '0', AM_URL: am.url, PROXY_ROUTES: `/api=${upstream.url}`, LOG_LEVEL: 'warn' });
    url = await command.says(/listens on (\S+)/);
    await eventually(async () => (await request(url, '/readyz')).status === 200);
    cookie = `${am.cookieName}=${am.login()}`;
    sent = await hashOf(pieces('fast'));
    const agent = new http.Agent({ keepAlive: true });
    for (let i = 0; i < 50; i++)
      await Promise.all(Array.from({ length: 8 }, () => request(url, '/api/x', { headers: { cookie }, agent })));
    agent.destroy();
    usual = memory('VmRSS');
  });
  afterAll(async () => {
    command.child.kill();
    await command.exit;
    await am.close();
    await upstream.close();
  });

  /** In bytes: what is in memory, and the most that ever was. */
  function memory(name: 'VmRSS' | 'VmHWM'): number {
    if (process.platform !== 'linux') return 0;
    const status = readFileSync(`/proc/${command.child.pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  }

  async function upload(headers: OutgoingHttpHeaders, pace: Pace = 'fast'): Promise<IncomingMessage> {
    const client = http.request(`${url}/api/file`, { method: 'PUT', agent: false, headers: { cookie, ...headers } });
    const answered = once(client, 'response') as Promise<[IncomingMessage]>;
    await Promise.all([answered, pipeline(Readable.from(pieces(pace)), client)]);
    return (await answered)[0];
  }

  async function download(): Promise<IncomingMessage> {
    const client = http.get(`${url}/api/file`, { agent: false, headers: { cookie } });
    const [answer] = (await once(client, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    return answer;
  }

  describe.each(framingNames)('%s', (framing) => {
    const headers = framings[framing];

    it.each<[client: Pace, upstream: Pace]>([
      ['fast', 'fast'],
      ['slow', 'fast'],
      ['fast', 'slow'],
    ])(
      'go up, from a %s client to a %s upstream',
      async (clientPace, upstreamPace) => {
        upstream.answer = (req, res) => void hashOf(req, upstreamPace).then((seen) => res.end(seen));
        const answer = await upload(headers, clientPace);
        expect((await answer.toArray()).join('')).toBe(sent);
      },
      timeoutMs,
    );

    it.each<[client: Pace, upstream: Pace]>([
      ['fast', 'fast'],
      ['slow', 'fast'],
      ['fast', 'slow'],
    ])(
      'come down, to a %s client from a %s upstream',
      async (clientPace, upstreamPace) => {
        upstream.answer = (_req, res) => {
          res.writeHead(200, headers);
          void pipeline(Readable.from(pieces(upstreamPace)), res);
        };
        expect(await hashOf(await download(), clientPace)).toBe(sent);
      },
      timeoutMs,
    );

    it(
      'go up and come down at the same time',
      async () => {
        upstream.answer = (req, res) => void req.pipe(res.writeHead(200, headers));
        const client = http.request(`${url}/api/file`, {
          method: 'PUT',
          agent: false,
          headers: { cookie, ...headers },
        });
        const answered = once(client, 'response') as Promise<[IncomingMessage]>;
        const back = answered.then(([answer]) => hashOf(answer));
        await pipeline(Readable.from(pieces('fast')), client);
        expect(await back).toBe(sent);
      },
      timeoutMs,
    );
  });

  it.runIf(process.platform === 'linux')('took little more memory than small requests do', () => {
    expect(memory('VmHWM') - usual).toBeLessThan(growthMax);
  });
});
