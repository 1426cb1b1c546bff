// AM's clock as clients see it: Date headers, absolute times, advance, a clock that is wrong.

import { afterEach, expect, test } from 'vitest';
import { type AmSimulator, type AmSimulatorOptions, createAmSimulator } from '../src/simulator/index.js';
import { act, call, json } from './support/simulator-client.js';

let am: AmSimulator | undefined;
afterEach(() => am?.close());

const start = async (options?: AmSimulatorOptions): Promise<AmSimulator> => (am = await createAmSimulator(options));
const dateOf = async (url: string): Promise<number> => Date.parse((await call(url)).headers.date ?? '');

test('the Date header and the times in a body follow AM’s clock, wrong as it may be', async () => {
  const sim = await start({ clockSkewS: -7200 });
  const reply = await act(sim, 'getSessionInfo', sim.login());
  const date = Date.parse(reply.headers.date ?? '');
  expect(Math.abs(date - (Date.now() - 7_200_000))).toBeLessThan(5000);
  const { latestAccessTime } = json<{ latestAccessTime: string }>(reply);
  expect(Math.abs(Date.parse(latestAccessTime) - date)).toBeLessThan(2000);
});

test('advance moves AM’s time, ends idle sessions and is undone by nothing', async () => {
  const sim = await start();
  const token = sim.login();
  const before = sim.now();
  sim.advance(30 * 60 + 1);
  expect(sim.now() - before).toBeGreaterThanOrEqual(1_801_000);
  expect((await act(sim, 'refresh', token)).status).toBe(401);
  expect(Math.abs((await dateOf(`${sim.url}/isAlive.jsp`)) - sim.now())).toBeLessThan(2000);
  expect(() => sim.advance(-1)).toThrow(TypeError);
  expect(() => sim.advance(Number.NaN)).toThrow(TypeError);
  expect(() => sim.advance(Infinity)).toThrow(TypeError);
});

test('a step of the wall clock on this machine is none on AM’s', async () => {
  let wall = Date.UTC(2026, 5, 1);
  let now = 1000;
  const sim = await start({
    clock: { now: () => now, wall: () => wall, setTimer: () => ({}), clearTimer: () => undefined },
  });
  const token = sim.login();
  wall += 86_400_000;
  expect(await dateOf(`${sim.url}/isAlive.jsp`)).toBe(Date.UTC(2026, 5, 1));
  now += 61_000;
  expect(json(await act(sim, 'refresh', token))).toMatchObject({ idletime: 0, maxtime: 7200 - 61 });
});
