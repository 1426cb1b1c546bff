// The journal: which calls came, what became of them, and that calls for one token never overlap.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { createJournal } from '../src/simulator/journal.js';
import { act, call } from './support/simulator-client.js';

let am: AmSimulator;
let token: string;

beforeEach(async () => {
  am = await createAmSimulator();
  token = am.login();
});
afterEach(() => am.close());

test('tells an obeyed refresh from an ignored one, an alive session from a dead one', async () => {
  am.advance(61);
  await act(am, 'refresh', token);
  await act(am, 'refresh', token);
  await act(am, 'getSessionInfo', token);
  await act(am, 'refresh', token, { version: 'resource=9.0' });
  await act(am, 'logout', token);
  await act(am, 'refresh', token);
  await call(`${am.url}/json/serverinfo/*`);
  expect(am.journal.map(({ action, outcome, status, reset }) => [action, outcome, status, reset])).toEqual([
    ['refresh', 'obeyed', 200, true],
    ['refresh', 'ignored', 200, false],
    ['getSessionInfo', 'alive', 200, false],
    ['refresh', 'refused', 404, false],
    ['logout', 'ended', 200, false],
    ['refresh', 'dead', 401, false],
    ['serverinfo', 'served', 200, false],
  ]);
});

test('an entry says when, what and about whom, but never holds the token', async () => {
  await call(`${am.url}/json/alpha/sessions?_action=refresh&tokenId=${token}`, {
    method: 'POST',
    headers: { Cookie: `iPlanetDirectoryPro=${token}`, 'Accept-API-Version': 'resource=4.0' },
  });
  const [entry] = am.journal;
  expect(entry).toMatchObject({
    id: 1,
    method: 'POST',
    path: '/am/json/alpha/sessions',
    action: 'refresh',
    realm: '/alpha',
    session: am.hash(token),
    version: 'resource=4.0',
    status: 200,
    concurrent: 0,
    aborted: false,
  });
  expect(entry?.finishedAt).toBeGreaterThanOrEqual(entry?.at ?? Infinity);
  expect(JSON.stringify(am.journal)).not.toContain(token);
});

test('calls about one session that overlap are seen, those about others do not count', async () => {
  am.fault({ kind: 'slow', delayMs: 50 });
  const other = am.login();
  await Promise.all([act(am, 'refresh', token), act(am, 'refresh', token), act(am, 'refresh', other)]);
  await act(am, 'refresh', token);
  const about = (wanted: string) =>
    am.journal.filter(({ session }) => session === am.hash(wanted)).map(({ concurrent }) => concurrent);
  expect(about(token)).toEqual([0, 1, 0]);
  expect(about(other)).toEqual([0]);
});

test('calls made one after the other never seem to overlap', async () => {
  for (let i = 0; i < 20; i += 1) await act(am, 'getSessionInfo', token);
  expect(am.journal.every(({ concurrent }) => concurrent === 0)).toBe(true);
  for (const [i, entry] of am.journal.entries()) {
    expect(am.journal[i + 1]?.at ?? Infinity).toBeGreaterThanOrEqual(entry.finishedAt ?? Infinity);
  }
});

test('the oldest entries make room', () => {
  const journal = createJournal(() => 0, 3);
  const opening = {
    method: 'GET',
    path: '/am',
    action: undefined,
    realm: undefined,
    session: undefined,
    version: undefined,
  };
  for (let i = 0; i < 5; i += 1) journal.open(opening);
  expect(journal.entries.map(({ id }) => id)).toEqual([3, 4, 5]);
});
