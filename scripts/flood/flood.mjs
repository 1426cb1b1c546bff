// Sends requests with tokens that nobody gave out, as many a second as it can up to a rate: raw sockets, pipelined, so
// that it costs less than what it floods. Prints what it sent and what came back, as JSON.
//   node scripts/flood/flood.mjs --url http://127.0.0.1:3000 --path /api/x --shape damaged --from many --seconds 10
import net from 'node:net';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    path: { type: 'string', default: '/api/x' },
    method: { type: 'string', default: 'GET' },
    cookie: { type: 'string', default: 'iPlanetDirectoryPro' },
    /** `plain`: no token at all; `damaged`: of AM's shape, to which OpenAM answers 500 */
    shape: { type: 'string', default: 'plain' },
    /** `one` address, or `many` by X-Forwarded-For */
    from: { type: 'string', default: 'one' },
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '300' },
    /** requests under way on one connection: the command ends one with more than 32 */
    depth: { type: 'string', default: '24' },
  },
});
const [rate, seconds, connections, depth] = [values.rate, values.seconds, values.connections, values.depth].map(Number);
const { hostname, port, host } = new URL(values.url);

const run = randomBytes(6).toString('hex');
const startLine = `${values.method} ${values.path} HTTP/1.1\r\nHost: ${host}\r\n`;
const length = values.method === 'POST' ? 'Content-Length: 0\r\n' : '';
const tally = { sent: 0, heldBack: 0, answered: 0, statuses: {}, connectionsLost: 0 };
const tickMs = 5;
const status = Buffer.from('HTTP/1.1 ');

function bytes(n) {
  const token = values.shape === 'damaged' ? `AQIC5wM2LY4Sfc${run}${n}.*AAJTSQACMDE${n}*` : `invented-${run}-${n}`;
  const address =
    values.from === 'many' ? `X-Forwarded-For: 10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}\r\n` : '';
  return `${startLine}${address}${length}Cookie: ${values.cookie}=${token}\r\n\r\n`;
}

function connect() {
  const line = { socket: net.connect(Number(port), hostname), underWay: 0, rest: Buffer.alloc(0), batch: '' };
  line.socket.setNoDelay(true);
  line.socket.on('error', () => undefined);
  line.socket.on('data', (chunk) => read(line, chunk));
  line.socket.on('close', () => {
    if (isOver) return;
    tally.connectionsLost++;
    lines[lines.indexOf(line)] = connect();
  });
  return line;
}

/** Counts the status lines; what may be the begin of one waits for the next piece. */
function read(line, chunk) {
  const all = line.rest.length === 0 ? chunk : Buffer.concat([line.rest, chunk]);
  let from = 0;
  for (let at = all.indexOf(status); at !== -1 && at + 12 <= all.length; at = all.indexOf(status, from)) {
    const code = all.latin1Slice(at + 9, at + 12);
    tally.statuses[code] = (tally.statuses[code] ?? 0) + 1;
    tally.answered++;
    line.underWay--;
    from = at + 12;
  }
  line.rest = all.subarray(Math.max(from, all.length - 11));
}

let isOver = false;
const lines = Array.from({ length: connections }, connect);
const startedAt = performance.now();
let due = 0;
let next = 0;

function free() {
  for (let tried = 0; tried < lines.length; tried++) {
    const line = lines[next++ % lines.length];
    if (line.underWay < depth) return line;
  }
  return undefined;
}

const timer = setInterval(() => {
  const elapsedMs = performance.now() - startedAt;
  if (elapsedMs > seconds * 1000) return finish(elapsedMs);
  const wanted = Math.floor((elapsedMs * rate) / 1000);
  for (; due < wanted; due++) {
    const line = free();
    if (!line) {
      tally.heldBack += wanted - due;
      due = wanted;
      break;
    }
    line.batch += bytes(tally.sent++);
    line.underWay++;
  }
  for (const line of lines) {
    if (line.batch === '') continue;
    line.socket.write(line.batch, 'latin1');
    line.batch = '';
  }
}, tickMs);

function finish(elapsedMs) {
  isOver = true;
  clearInterval(timer);
  for (const { socket } of lines) socket.destroy();
  const perSecond = Math.round((tally.sent * 1000) / elapsedMs);
  console.log(JSON.stringify({ ...tally, perSecond }));
}
