// What is around the proxy: the upstream, and AM (the simulator, or a real OpenAM through a relay that counts).
import { once } from 'node:events';
import http from 'node:http';
import { createAmSimulator } from '../../dist/simulator/index.js';
import { answer, endWithParent } from './answering.mjs';
import { startRelay } from './relay.mjs';
import { workloads } from './requests.mjs';

const { latencyMs = 0, updateFrequencyS = 60, openam } = JSON.parse(process.argv[2]);
// simulated users come and go for longer than a session of AM's default
const simulator = openam ? undefined : await createAmSimulator({ latencyMs, updateFrequencyS, maxSessionMinutes: 600 });
const am = simulator ?? (await startRelay(openam));
const tally = { requests: 0, withToken: 0, withUser: 0, wrong: 0 };
/** Whom the simulator logs in. */
const user = 'demo';
const tokens = new Set();
const bodies = new Map(Object.values(workloads).map(({ path, length }) => [path, Buffer.alloc(length, 'x')]));

const upstream = http.createServer((req, res) => {
  const body = bodies.get(req.url);
  tally.requests++;
  // the name or the token of it, in whatever header
  if (req.rawHeaders.some((text) => text.includes(am.cookieName) || tokens.has(text))) tally.withToken++;
  if (req.headers['x-forwarded-user'] === user) tally.withUser++;
  let received = 0;
  req.on('data', (chunk) => (received += chunk.length));
  req.once('end', () => {
    const isRight = body !== undefined && received === (req.method === 'POST' ? workloads['POST 1 KB'].body : 0);
    if (!isRight) tally.wrong++;
    res.writeHead(isRight ? 200 : 400, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': isRight ? body.length : 0,
      etag: 'W/"400-x"',
      vary: 'Accept-Encoding',
    });
    res.end(isRight ? body : undefined);
  });
});
// idle proxies wait for their turn
upstream.keepAliveTimeout = 600_000;
upstream.listen(0, '127.0.0.1');
await once(upstream, 'listening');

answer({
  async logIn({ count }) {
    const list = [];
    for (let i = 0; i < count; i++) list.push(await am.login());
    for (const token of list) tokens.add(token);
    return list;
  },
  amCalls: () => simulator?.journal.at(-1)?.id ?? am.calls ?? 0,
  tally: () => tally,
});
endWithParent();
process.send({ amUrl: am.url, cookieName: am.cookieName, upstream: `http://127.0.0.1:${upstream.address().port}` });
