// Where the CPU time of a proxy goes: the functions with the most self time, and the sum of each part.
//   node scripts/bench/profile.mjs --subject command --workload "GET 1 KB" --seconds 10 --file command.cpuprofile
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startSubject, startSurroundings } from './cpu.mjs';
import { describeMachine } from './machine.mjs';
import { killAll } from './processes.mjs';

const { values } = parseArgs({
  options: {
    subject: { type: 'string', default: 'command' },
    workload: { type: 'string', default: 'GET 1 KB' },
    seconds: { type: 'string', default: '10' },
    top: { type: 'string', default: '25' },
    file: { type: 'string' },
  },
});

/** The first that fits names the part; what is written in C++ has no file, but a name. */
const parts = [
  ['garbage collection', /^\(garbage collector\)/],
  ['unnamed native code, system calls', /^\(program\)/],
  ['idle', /^\(idle\)/],
  ['native: writes to sockets', /^native (?:write\w*|shutdown|readStart|readStop)$/],
  ['native: HTTP parser', /^native (?:parse|execute|consume|unconsume|free|initialize|getCurrentBuffer)$/],
  ['native: hashing', /^native (?:update|digest|Hash|oneShotDigest)$/],
  ['native: the rest', /^native /],
  ['http-proxy-middleware and httpxy', /node_modules\/(?:http-proxy-middleware|httpxy)/],
  ['express and its router', /node_modules\/(?:express|router|finalhandler|parseurl)/],
  ['other packages', /node_modules\//],
  ['ours: the proxy', /dist\/proxy\//],
  ['ours: keeper', /dist\/keeper\//],
  ['ours: the rest', /\/dist\//],
  ['node: HTTP client and agent', /node:_http_(?:client|agent)/],
  ['node: HTTP server and heads', /node:_http|node:internal\/http/],
  ['node: sockets', /node:net|node:internal\/(?:stream_base|js_stream|tty)/],
  ['node: streams', /node:(?:internal\/)?stream/],
  ['node: events', /node:events/],
  ['node: URL', /node:(?:internal\/)?url/],
  ['node: timers and ticks', /node:(?:internal\/)?(?:timers|process\/task_queues|process\/promises)/],
  ['node: crypto', /node:(?:internal\/)?crypto/],
  ['node: the rest', /node:/],
  ['the rest', /./],
];

try {
  const surroundings = await startSurroundings();
  await surroundings.logInAll();
  const { proxy } = await startSubject(values.subject, surroundings);
  const { load } = surroundings;
  const run = { port: proxy.port, workload: values.workload };
  await load.ask('closed', { ...run, ms: 1_000, least: 10_000 });
  await proxy.ask('startProfile');
  const before = await proxy.ask('cpuSeconds');
  const { requests, failures } = await load.ask('closed', { ...run, ms: values.seconds * 1_000, least: 5_000 });
  const cpuSeconds = (await proxy.ask('cpuSeconds')) - before;
  const profile = await proxy.ask('stopProfile');
  if (values.file) writeFileSync(values.file, JSON.stringify(profile));
  show(profile, { requests, failures, microseconds: (1e6 * cpuSeconds) / requests });
  await proxy.stop();
  await surroundings.end();
} catch (error) {
  console.error(error);
  killAll();
  process.exitCode = 1;
}

function show({ nodes, samples, timeDeltas }, { requests, failures, microseconds }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const byFunction = new Map();
  const byPart = new Map();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    const place = url === '' ? '' : ` ${url.replace(/^.*?\/(?=dist\/|node_modules\/)/, '')}:${lineNumber + 1}`;
    const name = `${functionName || '(anonymous)'}${place}`;
    const [part] = parts.find(([, pattern]) => pattern.test(placeOf(functionName, url)));
    if (part === 'idle') continue;
    total += timeDeltas[i];
    byFunction.set(name, (byFunction.get(name) ?? 0) + timeDeltas[i]);
    byPart.set(part, (byPart.get(part) ?? 0) + timeDeltas[i]);
  }
  const percent = (time) => `${((100 * time) / total).toFixed(1).padStart(5)} %`;
  console.log(
    `${values.subject}, ${values.workload}: ${requests} requests, ${Math.round(microseconds)} µs each while profiled`,
  );
  console.log(JSON.stringify({ ...describeMachine(), failures }));
  console.log('\nby part');
  for (const [part, time] of sorted(byPart)) console.log(`${percent(time)}  ${part}`);
  console.log('\nself time');
  for (const [name, time] of sorted(byFunction).slice(0, Number(values.top))) console.log(`${percent(time)}  ${name}`);
}

function sorted(times) {
  return [...times].toSorted(([, a], [, b]) => b - a);
}

function placeOf(functionName, url) {
  if (url !== '') return url;
  return /^\((?:program|idle|garbage collector)\)$/.test(functionName) ? functionName : `native ${functionName}`;
}
