// The load: raw sockets, so that it costs less than what it measures. Every answer's status and length is checked.
//   closed: each connection sends its next request when it has its answer
//   open: at a fixed rate, whatever comes back; latency counts from the time at which a request was due
import { once } from 'node:events';
import net from 'node:net';
import { answer, endWithParent } from './answering.mjs';
import { requestBytes, workloads } from './requests.mjs';

/** For answers that are owed when no request is due any more. */
const patienceMs = 10_000;
/** `tokens` and `cookieName`. */
let users;
let cursor = 0;
const endOfHead = Buffer.from('\r\n\r\n');

/** One connection with at most one request under way. `onAnswer` is told what was wrong with the answer, if anything was. */
function openLine(port, expected, onAnswer) {
  const socket = net.connect(port, '127.0.0.1').setNoDelay(true);
  const line = { socket, send, dueAt: 0 };
  let head = Buffer.alloc(0);
  let missing = -1;
  let isOwed = false;
  let problem;

  function send(request) {
    isOwed = true;
    socket.write(request);
  }

  function settle(why) {
    if (!isOwed) return;
    isOwed = false;
    onAnswer(line, why);
  }

  function giveUp(why) {
    socket.destroy();
    settle(why);
  }

  function readHead(chunk) {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const end = head.indexOf(endOfHead);
    if (end === -1) return undefined;
    const rest = head.subarray(end + 4);
    const text = head.latin1Slice(0, end);
    head = Buffer.alloc(0);
    missing = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? NaN);
    problem = text.startsWith('HTTP/1.1 200') ? undefined : text.slice(9, 12);
    if (problem === undefined && missing !== expected) problem = `length ${missing}`;
    return rest;
  }

  socket.on('data', (chunk) => {
    const rest = missing === -1 ? readHead(chunk) : chunk;
    if (rest === undefined) return;
    missing -= rest.length;
    if (missing > 0) return;
    if (missing !== 0) return giveUp(problem ?? 'not as long as its content-length');
    missing = -1;
    settle(problem);
  });
  socket.on('error', (error) => settle(error.code));
  socket.once('close', () => settle('closed'));
  return line;
}

async function openLines(count, { port, workload }, onAnswer) {
  const lines = Array.from({ length: count }, () => openLine(port, workloads[workload].length, onAnswer));
  await Promise.all(lines.map(({ socket }) => once(socket, 'connect')));
  return lines;
}

function requestsOf({ port, workload, tokens, cookieName }) {
  const host = `127.0.0.1:${port}`;
  return tokens.map((token) => requestBytes({ workload, host, cookieName, token }));
}

/**
 * For `ms`, and longer if that was too short for `least` requests. Ends with no request under way, so that what was counted
 * is what was done. Who was asked for last time is not asked for again before all others were.
 */
async function closed({ connections = 16, ms, least = 0, ...target }) {
  const all = requestsOf(target);
  const failures = {};
  let sent = 0;
  let requests = 0;
  let active = connections;
  let resolve;
  const lines = await openLines(connections, target, (line, problem) => {
    if (problem === undefined) requests++;
    else failures[problem] = (failures[problem] ?? 0) + 1;
    if (!line.socket.destroyed && (performance.now() < until || sent < least)) return next(line);
    line.socket.destroy();
    if (--active === 0) resolve({ requests, failures, seconds: (performance.now() - startedAt) / 1_000 });
  });
  const startedAt = performance.now();
  const until = startedAt + ms;

  function next(line) {
    sent++;
    line.send(all[cursor++ % all.length]);
  }

  return new Promise((settle) => {
    resolve = settle;
    for (const line of lines) next(line);
  });
}

/**
 * @param burst requests that one user's click sends at once; who clicks is drawn by lot
 * @param warmUpMs before the time that counts: a proxy takes milliseconds to accept so many connections
 */
async function open({ connections = 64, rate, burst = 1, warmUpMs = 0, ms, ...target }) {
  const all = requestsOf(target);
  const failures = {};
  const latencies = [];
  const waiting = [];
  const free = [];
  let sent = 0;
  let underWay = 0;
  const lines = await openLines(connections, target, (line, problem) => {
    if (problem === undefined) {
      if (line.dueAt >= countedFrom) latencies.push(performance.now() - line.dueAt);
    } else failures[problem] = (failures[problem] ?? 0) + 1;
    underWay--;
    if (!line.socket.destroyed) take(line);
  });
  free.push(...lines);

  function take(line) {
    if (waiting.length === 0) return void free.push(line);
    const { dueAt, request } = waiting.shift();
    line.dueAt = dueAt;
    underWay++;
    line.send(request);
  }

  function click(dueAt) {
    const request = all[Math.floor(Math.random() * all.length)];
    for (let i = 0; i < burst; i++) waiting.push({ dueAt, request });
    sent += burst;
  }

  const startedAt = performance.now();
  const countedFrom = startedAt + warmUpMs;
  const until = countedFrom + ms;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let dueAt = startedAt;
  return new Promise((resolve) => {
    function turn() {
      const now = performance.now();
      for (; dueAt <= now && dueAt < until; dueAt += (1_000 * burst) / rate) click(dueAt);
      while (waiting.length > 0 && free.length > 0) take(free.pop());
      const owed = underWay + waiting.length;
      if ((now < until || owed > 0) && now < until + patienceMs) {
        // timers have whole milliseconds; this sleeps for a tenth of one, and leaves the core to the upstream
        Atomics.wait(cell, 0, 0, 0.1);
        return void setImmediate(turn);
      }
      for (const { socket } of lines) socket.destroy();
      if (owed > 0) failures.unanswered = owed;
      resolve({ sent, failures, seconds: (now - startedAt) / 1_000, latencies });
    }
    turn();
  });
}

answer({
  use: (given) => {
    users = given;
    cursor = 0;
  },
  closed: (run) => closed({ ...users, ...run }),
  open: (run) => open({ ...users, ...run }),
});
endWithParent();
process.send({});
