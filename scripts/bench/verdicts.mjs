// What nginx's `auth_request` asks: who is alive, as a cheap Node server remembers it.
import { once } from 'node:events';
import http from 'node:http';
import './usage.mjs';

const { cookieName } = JSON.parse(process.argv[2]);
const name = new RegExp(`(?:^|; )${cookieName}=([^;]+)`);
const known = new Map();

const server = http.createServer((req, res) => {
  const token = name.exec(req.headers.cookie ?? '')?.[1];
  if (token !== undefined && !known.has(token)) known.set(token, true);
  res.writeHead(token === undefined ? 401 : 204).end();
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send({ port: server.address().port });
