// When an open event stream ends without a logout: its session dies at AM, its time is over, the server stops.

import http from 'node:http';
import { expect, it } from 'vitest';
import { eventSource, openStream, serveStreams } from './support/event-stream.js';
import { askedAbout, onEveryMount } from './support/mounted.js';
import { act } from './support/simulator-client.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';
import { startTeamServer } from './support/team-app.js';

const endElsewhere = ({ am }: Stack, token: string) =>
  act(am, 'logout', token, { version: 'resource=3.1, protocol=1.0' });

/** Milliseconds until it happens. */
async function took(event: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await event;
  return performance.now() - startedAt;
}

// a window of 3 s
const short = { proxy: { session: { trustS: 1 } } };
/** They wait, all at the same time. */
const together = { atOnce: true };

onEveryMount(
  'an event stream',
  short,
  (stack) => {
    it('ends within trust time and window of the session’s death at AM; the browser is told why', async () => {
      const streams = serveStreams(stack());
      const [token, other] = [stack().am.login(), stack().am.login()];
      const source = eventSource(stack(), '/api/events', token);
      const bystander = await openStream(stack(), '/api/events', other);
      await eventually(() => streams.size === 2);
      await endElsewhere(stack(), token);
      expect(await took(source.failure)).toBeLessThan(4_000);
      expect(await source.failure).toBe('session_expired');
      expect(source.statuses).toEqual([200, 401]);
      await eventually(() => streams.size === 1, 1_000);
      const [left] = streams;
      left?.write('data: still\n\n');
      await bystander.has('still');
      bystander.request.destroy();
    });
  },
  together,
);

onEveryMount(
  'an open event stream',
  short,
  (stack) => {
    it('is no activity, and has AM asked no more than once in a trust time', async () => {
      const streams = serveStreams(stack());
      const token = stack().am.login();
      const client = await openStream(stack(), '/api/events', token);
      for (let s = 0; s < 4; s++) {
        for (const res of streams) res.write('data: 1\n\n');
        await pause(1_000);
      }
      const asked = askedAbout(stack(), token).map(({ action }) => action);
      expect(new Set(asked)).toEqual(new Set(['getSessionInfo']));
      expect(asked.length).toBeLessThanOrEqual(5);
      client.request.destroy();
    });
  },
  together,
);

onEveryMount(
  'an event stream, in an outage,',
  short,
  (stack) => {
    it('stays open while AM is away, and is looked after again when it is back', async () => {
      const streams = serveStreams(stack());
      const token = stack().am.login();
      const client = await openStream(stack(), '/api/events', token);
      await stack().am.stop();
      await pause(3_000);
      for (const res of streams) res.write('data: still\n\n');
      await client.has('still');
      await stack().am.start();
      await endElsewhere(stack(), token);
      expect(await client.end).toBe('ended');
    });
  },
  together,
);

onEveryMount(
  'an event stream, in a longer outage,',
  { simulator: { maxSessionMinutes: 5 / 60 }, proxy: { session: { trustS: 1 } } },
  (stack) => {
    it('ends when the session’s known maximum time has come', async () => {
      serveStreams(stack());
      const loginAt = performance.now();
      const client = await openStream(stack(), '/api/events', stack().am.login());
      await stack().am.stop();
      expect(await client.end).toBe('ended');
      // AM's times are whole seconds
      expect(performance.now() - loginAt).toBeGreaterThan(4_000 - 500);
      expect(performance.now() - loginAt).toBeLessThan(5_000 + 1_500);
    });
  },
  together,
);

onEveryMount(
  'an event stream, on OpenAM,',
  { simulator: { flavor: 'openam', maxIdleMinutes: 2 / 60 }, proxy: { am: { flavor: 'openam' } } },
  (stack) => {
    it('ends two seconds after the idle time of its session, and AM is not asked before', async () => {
      const streams = serveStreams(stack());
      const token = stack().am.login();
      const client = await openStream(stack(), '/api/events', token);
      const events = setInterval(() => streams.forEach((res) => res.write('data: 1\n\n')), 200);
      const ended = took(client.end);
      await pause(3_500);
      expect(askedAbout(stack(), token)).toHaveLength(1);
      expect(await ended).toBeGreaterThan(3_900);
      expect(await ended).toBeLessThan(6_000);
      expect(askedAbout(stack(), token)).toHaveLength(2);
      clearInterval(events);
    });
  },
  together,
);

it('when the server stops all event streams end, and one that comes later does so at once', async () => {
  const stack = await startStack();
  const streams = serveStreams(stack);
  const team = await startTeamServer(stack, (bff) => bff.wrap((_req, res) => res.end()));
  const there = { ...stack, url: team.url };
  const agent = new http.Agent({ keepAlive: true });
  const clients = await Promise.all([
    ...Array.from({ length: 5 }, () => openStream(there, '/api/events', stack.am.login(), { agent })),
    openStream(there, '/public/events', undefined),
  ]);
  expect(streams.size).toBe(6);
  team.bff.stop();
  for (const { end } of clients) expect(await end).toBe('ended');
  await eventually(() => streams.size === 0, 1_000);

  const late = await openStream(there, '/api/events', stack.am.login(), { agent });
  expect(await late.end).toBe('ended');
  await eventually(() => streams.size === 0, 1_000);
  agent.destroy();
  expect(await took(team.close())).toBeLessThan(500);
  await stack.close();
});

it('when the server stops an answer that may have an end of its own comes to it', async () => {
  const stack = await startStack();
  const streams = serveStreams(stack, { 'content-type': 'application/x-ndjson' });
  const team = await startTeamServer(stack, (bff) => bff.wrap((_req, res) => res.end()));
  const client = await openStream({ ...stack, url: team.url }, '/api/export', stack.am.login());
  team.bff.stop();
  await pause(300);
  for (const res of streams) res.end('the last line');
  expect(await client.end).toBe('ended');
  expect(client.text()).toBe('the last line');
  await team.close();
  await stack.close();
});
