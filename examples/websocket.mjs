// WebSockets: one of an API behind the proxy, for live sessions only, and one of the app's own beside it.

import http from 'node:http';
import express from 'express';
import { WebSocketServer } from 'ws';
import { sessionProxy } from 'am-session-proxy';
import { amUrl, apiUrl, end, start } from './surroundings.mjs';

const bff = sessionProxy({
  am: { url: amUrl },
  routes: [{ path: '/api', target: apiUrl }], // its WebSockets too
  logLevel: 'warn',
});

const app = express();
app.use(bff);
app.get('/', bff.requireSession, (req, res) => {
  res.send(`<p>You are ${req.amSession.username}. Look at the console.
    <form method="post" action="/logout"><button>Log out</button></form>`);
});

// not { server, path }: that one answers 400 to the sockets of others
const clock = new WebSocketServer({ noServer: true });
clock.on('connection', (socket) => socket.send(new Date().toISOString()));

const server = http.createServer({ keepAliveTimeout: 75_000 }, app);
server.on('upgrade', (req, socket, head) => {
  if (bff.upgrade(req, socket, head)) return; // ours: passed on, or refused
  if (req.url === '/clock') clock.handleUpgrade(req, socket, head, (client) => clock.emit('connection', client, req));
  else socket.destroy(); // nobody's
});

process.once('SIGTERM', () => {
  bff.stop(); // closes the proxied sockets
  for (const client of clock.clients) client.close(1001);
  server.close(() => void bff.close().then(end));
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
});
await start(server, [
  "new WebSocket('/api/ws').onmessage = ({ data }) => console.log(data) // needs a session, and ends with it",
  "new WebSocket('/clock').onmessage = ({ data }) => console.log(data) // the app's own",
]);
