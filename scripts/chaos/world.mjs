// What is around the nodes, in a process of its own: AM (the simulator, with a name for each user) and an API that says who asked.
import { once } from 'node:events';
import http from 'node:http';
import { createAmSimulator } from '../../dist/simulator/index.js';
import { frequencyS } from './settings.mjs';

const am = await createAmSimulator({
  updateFrequencyS: frequencyS,
  latencyMs: 5,
  users: Object.fromEntries(Array.from({ length: Number(process.argv[2]) }, (_, i) => [`user-${i}`, 'changeit'])),
});
const api = http.createServer((req, res) => {
  const user = req.headers['x-forwarded-user'];
  const hasToken = JSON.stringify(req.headers).includes('AQIC');
  req.resume().once('end', () => {
    res.setHeader('content-type', 'application/json').end(JSON.stringify({ user, hasToken }));
  });
});
// a node that stands still for some seconds finds its connections open
api.keepAliveTimeout = 60_000;
api.listen(0, '127.0.0.1');
await once(api, 'listening');
process.send({ amUrl: am.url, cookieName: am.cookieName, apiUrl: `http://127.0.0.1:${api.address().port}` });

// the simulator remembers 10,000 requests; each is handed on once it is over
let open = [];
function handOnJournal() {
  const entries = [...open, ...am.journal];
  am.journal.length = 0;
  open = entries.filter(({ finishedAt }) => finishedAt === undefined);
  const journal = entries.filter(({ finishedAt, session }) => finishedAt !== undefined && session !== undefined);
  if (journal.length > 0) process.send({ journal });
}
setInterval(handOnJournal, 250);

process.on('message', ({ faults, sessions }) => {
  if (faults) {
    am.clearFaults();
    for (const rule of faults) am.fault(rule);
  }
  if (sessions) {
    handOnJournal();
    process.send({ sessions: am.sessions });
  }
});
process.once('disconnect', () => process.exit());
// it ends with the script that started it
process.on('SIGINT', () => undefined);
