// In an Express app, among the team's own middleware and routes.

import http from 'node:http';
import cookieParser from 'cookie-parser';
import express from 'express';
import helmet from 'helmet';
import { sessionProxy } from 'am-session-proxy';
import { amUrl, apiUrl, end, start } from './surroundings.mjs';

const bff = sessionProxy({
  am: { url: amUrl },
  routes: [{ path: '/api', target: apiUrl }], // a session is required
  logLevel: 'warn',
});

const app = express();
app.use(helmet()); // yours, for your own pages: what we answer and pass on has ours
app.use(cookieParser('secret')); // yours: our own reading of cookies does not depend on it
app.use(bff); // at the root, and before body parsers
app.use(express.json());

app.get('/', (_req, res) => {
  res.send(`<p><a href="/report">My report</a>, <a href="/api/orders">my orders</a>, <a href="/session">my session</a>
    <form method="post" action="/logout"><button>Log out</button></form>`);
});
app.get('/report', bff.requireSession, (req, res) => {
  res.json({ user: req.amSession.username, realm: req.amSession.realm });
});
app.post('/notes', bff.requireSession, (req, res) => {
  res.status(201).json({ by: req.amSession.username, note: req.body.note });
});

const server = http.createServer({ keepAliveTimeout: 75_000 }, app); // longer than your load balancer's
process.once('SIGTERM', () => {
  bff.stop(); // /readyz answers 503
  server.close(() => void bff.close().then(end));
  setTimeout(() => server.closeAllConnections(), 10_000).unref(); // browsers connect ahead, and wait
});
await start(server, [
  '/report, and POST /notes with JSON: routes of the app that need a session',
  '/api/orders: passed on to the API, without the token',
  '/session, and POST /logout: answered by the proxy',
]);
