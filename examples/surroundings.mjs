// What stands around the examples: AM, or its simulator where AM_URL is not set, and an API that says who asks it.

import { once } from 'node:events';
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { createAmSimulator } from 'am-session-proxy/simulator';

const simulator = process.env.AM_URL ? undefined : await createAmSimulator();
export const amUrl = process.env.AM_URL ?? simulator.url;

const api = http.createServer((req, res) => {
  res.setHeader('Content-Type', 'application/json');
  res.end(`${JSON.stringify({ asked: `${req.method} ${req.url}`, user: req.headers['x-forwarded-user'] })}\n`);
});
const apiSockets = new WebSocketServer({ server: api, path: '/api/ws' });
apiSockets.on('connection', (socket, req) => {
  socket.send(JSON.stringify({ opened: req.url, user: req.headers['x-forwarded-user'] }));
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
api.listen(0, '127.0.0.1');
await once(api, 'listening');
export const apiUrl = `http://127.0.0.1:${api.address().port}`;

/** Listens on PORT, 3000 by default, and says what to try. */
export async function start(server, lines) {
  server.listen(process.env.PORT ?? 3000, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  console.log(`Open ${url}/ in a browser${simulator ? ', and log in as demo with the password changeit' : ''}.`);
  for (const line of lines) console.log(`  ${line}`);
  console.log(`AM${simulator ? ' (a simulator)' : ''}: ${amUrl}`);
}

/** Once the proxy is closed. */
export async function end() {
  apiSockets.close();
  api.close();
  await simulator?.close();
}
