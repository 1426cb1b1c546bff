// Beside socket.io: both take their own of the server's requests and sockets.

import http from 'node:http';
import express from 'express';
import { Server } from 'socket.io';
import { sessionProxy } from 'am-session-proxy';
import { amUrl, apiUrl, end, start } from './surroundings.mjs';

const bff = sessionProxy({
  am: { url: amUrl },
  routes: [{ path: '/api', target: apiUrl }],
  logLevel: 'warn',
});

const app = express();
app.use(bff);
app.get('/', bff.requireSession, (req, res) => {
  res.send(`<script src="/socket.io/socket.io.js"></script>
    <p>You are ${req.amSession.username}. Look at the console.
    <form method="post" action="/logout"><button>Log out</button></form>`);
});

const server = http.createServer({ keepAliveTimeout: 75_000 }, app);
// by default socket.io ends every socket that is not its own and was not answered within a second
const io = new Server(server, { destroyUpgrade: false });
io.on('connection', (socket) => socket.on('hello', (name, reply) => reply(`hello ${name}`)));

server.on('upgrade', (req, socket, head) => {
  // what is neither ours nor socket.io's is nobody's
  if (!bff.upgrade(req, socket, head) && !req.url.startsWith('/socket.io/')) socket.destroy();
});

process.once('SIGTERM', () => {
  bff.stop();
  const closed = io.close(); // the server too
  void closed.then(bff.close).then(end);
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
});
await start(server, [
  "new WebSocket('/api/ws').onmessage = ({ data }) => console.log(data) // passed on to the API",
  "io().emit('hello', 'you', console.log) // socket.io",
]);
