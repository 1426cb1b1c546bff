// AM and the load balancers before it close idle connections as they like: no call fails because of that.

import { afterEach, expect, test } from 'vitest';
import { secretCredential, startClient, type TestClient } from './support/am-client.js';
import { aliveAnswer, startRawServer, type RawRequest, type RawServer } from './support/raw-server.js';

let am: RawServer;
let client: TestClient;

afterEach(async () => {
  client.close();
  await am.close();
});

async function serve(answer: (request: RawRequest) => void): Promise<void> {
  am = await startRawServer(answer);
  client = startClient(am.url, { timeoutMs: 1_000 });
}

test.each([
  ['ends', ({ socket }: RawRequest) => socket.end()],
  ['resets', ({ socket }: RawRequest) => socket.resetAndDestroy()],
])('a reused connection that the server %s at the next request is replaced by a new one', async (_title, close) => {
  await serve((request) => {
    if (request.index === 1) close(request);
    else request.socket.write(aliveAnswer);
  });
  await client.refresh(secretCredential);
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive' });
  expect(am.requests.map(({ connection }) => connection)).toEqual([0, 0, 1]);
});

test('the call is repeated once only, and not on another old connection', async () => {
  let closing = false;
  await serve(({ socket }) => {
    if (closing) socket.resetAndDestroy();
    else setTimeout(() => socket.write(aliveAnswer), 10);
  });
  await Promise.all([1, 2, 3, 4].map(() => client.refresh(secretCredential)));
  closing = true;
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'unknown', cause: 'reset' });
  expect(am.requests.slice(4).map(({ connection }) => connection < 4)).toEqual([true, false]);
});

test('a call on a new connection is not repeated', async () => {
  await serve(({ socket }) => socket.resetAndDestroy());
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'unknown', cause: 'reset' });
  expect(am.requests).toHaveLength(1);
});

test('a call that AM began to answer is not repeated', async () => {
  await serve(({ socket, index }) => {
    if (index === 0) socket.write(aliveAnswer);
    else socket.write(aliveAnswer.slice(0, -5), () => setTimeout(() => socket.resetAndDestroy(), 20));
  });
  await client.refresh(secretCredential);
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'unknown', cause: 'reset' });
  expect(am.requests).toHaveLength(2);
});

test('a call that was aborted is not repeated', async () => {
  const controller = new AbortController();
  await serve(({ socket, index }) => {
    if (index === 0) socket.write(aliveAnswer);
    else controller.abort();
  });
  await client.refresh(secretCredential);
  expect(await client.refresh(secretCredential, controller.signal)).toMatchObject({ cause: 'aborted' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(am.requests).toHaveLength(2);
});

test('a server that closes right after every answer is no obstacle', async () => {
  await serve(({ socket }) => socket.end(aliveAnswer));
  for (let i = 0; i < 50; i++) expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive' });
});

test('after a restart of AM with many connections open no call fails', async () => {
  const answer = ({ socket }: RawRequest) => setTimeout(() => socket.write(aliveAnswer), 10);
  await serve(answer);
  const burst = () => Promise.all(Array.from({ length: 40 }, () => client.refresh(secretCredential)));
  await burst();
  const { port } = am;
  await am.close();
  am = await startRawServer(answer, port);
  expect(new Set((await burst()).map(({ kind }) => kind))).toEqual(new Set(['alive']));
});

test('a restart that ends in refused connections is AM not being there', async () => {
  await serve(({ socket }) => socket.write(aliveAnswer));
  await client.refresh(secretCredential);
  await am.close();
  expect(await client.refresh(secretCredential)).toMatchObject({ cause: 'connect', detail: 'ECONNREFUSED' });
});

test('an idle connection is given up by us before servers do', { timeout: 10_000 }, async () => {
  await serve(({ socket }) => socket.write(aliveAnswer));
  await client.refresh(secretCredential);
  await am.gone(0);
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive' });
  expect(am.connections).toHaveLength(2);
});

test('close ends the connections, and calls in flight are not repeated', async () => {
  await serve(({ socket, index }) => {
    if (index === 0) socket.write(aliveAnswer);
    else client.close();
  });
  await client.refresh(secretCredential);
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'unknown', cause: 'reset' });
  expect(am.connections).toHaveLength(1);
});
