// In front of an app: proxied requests never enter Express, which makes them cheaper. The app has a /session and a /logout of
// its own, so those of the proxy are under a BASE_PATH.

import http from 'node:http';
import express from 'express';
import { sessionProxy } from 'am-session-proxy';
import { amUrl, apiUrl, end, start } from './surroundings.mjs';

const bff = sessionProxy({
  am: { url: amUrl },
  routes: [{ path: '/api', target: apiUrl }],
  basePath: '/auth', // in front of /session, /session/refresh and /logout
  logLevel: 'warn',
});

const app = express();
app.use(express.json()); // never sees what is proxied
app.get('/', bff.requireSession, (req, res) => {
  res.send(`<p>You are ${req.amSession.username}: <a href="/api/orders">my orders</a>, <a href="/auth/session">my session</a>
    <form method="post" action="/auth/logout"><button>Log out</button></form>`);
});
app.get('/session', (_req, res) => {
  res.json({ speaker: 'Ada', room: 3 });
});
app.post('/logout', (_req, res) => {
  res.json({ left: 'the room' });
});

const server = http.createServer({ keepAliveTimeout: 75_000 }, bff.wrap(app));
process.once('SIGTERM', () => {
  bff.stop();
  server.close(() => void bff.close().then(end));
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
});
await start(server, [
  '/api/orders: passed on to the API',
  "/session, and POST /logout: the app's own",
  '/auth/session, and POST /auth/logout: answered by the proxy',
]);
