// What is around the proxy in the soak: AM, an API, and browsers that hold sockets and streams, work, log out and vanish.
import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { createAmSimulator } from '../../dist/simulator/index.js';

const users = 100;
const workers = 32;
const eventEveryMs = 1_000;
const messageEveryMs = 3_000;
const goneAtOnce = 5;

const am = await createAmSimulator({ updateFrequencyS: 2 });
const api = await startApi();
process.send({ amUrl: am.url, apiUrl: api.url });

const tally = {
  requests: 0,
  failures: {},
  socketsOpened: 0,
  streamsOpened: 0,
  closeCodes: {},
  streamsEnded: 0,
  messages: 0,
  events: 0,
};
const latencies = [];
let isOver = false;
let isStopping = false;

process.on('message', (message) => {
  if (message.run) void run(message.run).then((result) => process.send({ result }));
  if (message.stopping) isStopping = true;
  if (message.count) process.send({ count: api.connections.size });
  if (message.end) process.exit(0);
});

async function startApi() {
  const body = JSON.stringify({ text: 'x'.repeat(1_000) });
  const connections = new Set();
  const server = http.createServer((req, res) => {
    if (req.url === '/api/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => res.write('data: x\n\n'), eventEveryMs);
      res.once('close', () => clearInterval(timer));
    } else req.resume().once('end', () => res.setHeader('content-type', 'application/json').end(body));
  });
  const echo = new WebSocketServer({ noServer: true });
  server.on('upgrade', (req, socket, head) =>
    echo.handleUpgrade(req, socket, head, (ws) =>
      ws.on('message', (data) => ws.send(data)).on('error', () => undefined),
    ),
  );
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, connections };
}

async function run({ url, seconds, sockets, streams }) {
  const sessions = Array.from({ length: users }, () => logIn(url));
  await Promise.all(
    sessions.map(async (session, i) => {
      for (let n = i; n < sockets; n += users) await openSocket(session);
      for (let n = i; n < streams; n += users) await openStream(session);
    }),
  );
  const held = { sockets: sum(sessions, 'sockets'), streams: sum(sessions, 'streams') };
  const agent = new http.Agent({ keepAlive: true, maxSockets: workers });
  const until = Date.now() + seconds * 1_000;
  await Promise.all([
    ...Array.from({ length: workers }, () => work(sessions, agent, until)),
    churn(sessions, agent, until),
  ]);
  isOver = true;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (share) => Number(latencies[Math.floor(latencies.length * share)]?.toFixed(1));
  return {
    held,
    ...tally,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    stillOpen: { sockets: sum(sessions, 'sockets'), streams: sum(sessions, 'streams') },
  };
}

const sum = (sessions, what) => sessions.reduce((total, session) => total + session[what].size, 0);

function logIn(url) {
  return { url, cookie: `${am.cookieName}=${am.login()}`, sockets: new Set(), streams: new Set(), isLeaving: false };
}

async function work(sessions, agent, until) {
  while (Date.now() < until) {
    const session = sessions[Math.floor(Math.random() * users)];
    if (session.isLeaving) {
      await pause(1);
      continue;
    }
    const { cookie } = session;
    const startedAt = performance.now();
    const status = await send(session, agent, Math.random() < 0.1 ? 'POST' : 'GET', '/api/data');
    latencies.push(performance.now() - startedAt);
    tally.requests++;
    // who logged out meanwhile may see 401
    if (status !== 200 && cookie === session.cookie && !session.isLeaving) fail(`request: ${status}`);
  }
}

/** Every second a user logs out and in again, and some sockets vanish without a word. */
async function churn(sessions, agent, until) {
  for (let i = 0; Date.now() < until; i = (i + 1) % users) {
    await pause(1_000);
    const session = sessions[i];
    const { sockets, streams } = session;
    const wanted = { sockets: sockets.size, streams: streams.size };
    session.isLeaving = true;
    const status = await send(session, agent, 'POST', '/logout');
    if (status !== 200) fail(`logout: ${status}`);
    for (let tries = 0; sockets.size + streams.size > 0 && tries < 100; tries++) await pause(20);
    if (sockets.size + streams.size > 0) fail('open 2 s after the logout');
    session.cookie = `${am.cookieName}=${am.login()}`;
    session.isLeaving = false;
    for (let n = 0; n < wanted.sockets; n++) await openSocket(session);
    for (let n = 0; n < wanted.streams; n++) await openStream(session);

    const other = sessions[(i + users / 2) % users];
    for (const socket of [...other.sockets].slice(0, goneAtOnce)) {
      socket.terminate();
      await openSocket(other);
    }
  }
}

function send({ url, cookie }, agent, method, path) {
  return new Promise((resolve) => {
    const body = method === 'POST' ? 'x'.repeat(1_000) : undefined;
    const outgoing = http.request(url + path, { method, agent, headers: { cookie } }, (answer) => {
      answer
        .resume()
        .once('end', () => resolve(answer.statusCode))
        .once('error', (error) => resolve(error.code));
    });
    outgoing.once('error', (error) => resolve(error.code)).end(body);
  });
}

async function openSocket(session) {
  const socket = new WebSocket(`${session.url.replace('http', 'ws')}/api/ws`, { headers: { cookie: session.cookie } });
  socket.on('error', (error) => fail(`socket: ${error.message}`));
  socket.once('close', (code) => {
    clearInterval(timer);
    session.sockets.delete(socket);
    tally.closeCodes[code] = (tally.closeCodes[code] ?? 0) + 1;
  });
  socket.on('message', () => tally.messages++);
  const timer = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('hello'), messageEveryMs);
  await Promise.race([once(socket, 'open'), once(socket, 'close')]).catch(() => undefined);
  if (socket.readyState === WebSocket.OPEN) {
    tally.socketsOpened++;
    session.sockets.add(socket);
  }
}

function openStream(session) {
  return new Promise((resolve) => {
    const headers = { cookie: session.cookie, accept: 'text/event-stream' };
    const outgoing = http.request(`${session.url}/api/events`, { agent: false, headers }, (answer) => {
      if (answer.statusCode !== 200) fail(`stream: ${answer.statusCode}`);
      tally.streamsOpened++;
      session.streams.add(answer);
      answer.on('data', () => tally.events++);
      answer.once('error', (error) => fail(`stream: ${error.code}`));
      answer.once('close', () => {
        session.streams.delete(answer);
        tally.streamsEnded++;
        if (!session.isLeaving && !isStopping && !isOver) fail('a stream ended by itself');
      });
      resolve();
    });
    outgoing.once('error', (error) => {
      fail(`stream: ${error.code}`);
      resolve();
    });
    outgoing.end();
  });
}

function fail(what) {
  tally.failures[what] = (tally.failures[what] ?? 0) + 1;
}
