// The real OpenAM that the run was given, and what only its administrator can do.

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, authenticate, realms, type Target } from '../conformance/target.js';
import type { Reply } from '../support/simulator-client.js';

/** Idle and maximum minutes of every session; OpenAM counts in whole ones. */
const maxIdleMinutes = 1;
const maxSessionMinutes = 120;

/** A user whose name is not ASCII. */
export const jurgen = { name: 'jürgen', password: 'geheim-geheim' };

function setting(name: string, fallback?: string): string {
  const value = process.env[name] ?? fallback;
  if (value === undefined) throw new Error(`${name} is not set: run npm run test:openam`);
  return value;
}

export interface RealOpenAm extends Target {
  /** Its URL as browsers see it. */
  readonly publicUrl: string;
}

export function realOpenAm(): RealOpenAm {
  const url = setting('OPENAM_URL');
  const publicUrl = setting('OPENAM_PUBLIC_URL', url);
  const am: RealOpenAm = {
    url,
    publicUrl,
    host: new URL(publicUrl).host,
    cookieName: 'iPlanetDirectoryPro',
    maxIdleS: maxIdleMinutes * 60,
    maxSessionS: maxSessionMinutes * 60,
    // an administrator's look at another's session is no use of it (measured)
    async latestAccess(token) {
      // a session of his own each time: OpenAM forgets uses of his as well
      const admin = await loginAsAdministrator(am);
      const path = `/json/sessions?_action=getSessionInfo&tokenId=${encodeURIComponent(token)}`;
      const reply = await ask(am, path, {
        method: 'POST',
        headers: { [am.cookieName]: admin, 'Accept-API-Version': 'resource=2.0' },
      });
      const { latestAccessTime } = JSON.parse(reply.text) as { latestAccessTime?: string };
      if (latestAccessTime === undefined) throw new Error(`not told: ${reply.status} ${reply.text}`);
      return Date.parse(latestAccessTime) / 1000;
    },
    wait: (seconds) => pause(seconds * 1000),
  };
  return am;
}

async function loginAsAdministrator(am: Target): Promise<string> {
  const reply = await authenticate(am, {
    'X-OpenAM-Username': 'amadmin',
    'X-OpenAM-Password': setting('OPENAM_ADMIN_PASSWORD'),
  });
  const { tokenId } = JSON.parse(reply.text) as { tokenId?: string };
  if (tokenId === undefined) throw new Error(`amadmin cannot log in: ${reply.status} ${reply.text}`);
  return tokenId;
}

type Send = (method: string, path: string, version: string, body: unknown, headers?: object) => Promise<Reply>;

async function asAdministrator(am: Target): Promise<Send> {
  const token = await loginAsAdministrator(am);
  return (method, path, version, body, headers = {}) =>
    ask(am, path, {
      method,
      headers: {
        [am.cookieName]: token,
        'Accept-API-Version': `resource=${version}`,
        'Content-Type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(body),
    });
}

/** The idle time of sessions that are made from now on. */
export async function setMaxIdle(am: Target, minutes = maxIdleMinutes): Promise<void> {
  const send = await asAdministrator(am);
  // nested: flat names are answered with 200 and change nothing
  const dynamic = { maxIdleTime: minutes, maxSessionTime: maxSessionMinutes, maxCachingTime: 3, quotaLimit: 5 };
  const path = '/json/global-config/services/session';
  expectStatus(await send('PUT', path, '1.0', { dynamic }, { 'If-Match': '*' }), 200);
}

/** Realms, users and times that the suites rely on; what is there already may stay. */
export async function prepare(am: Target): Promise<void> {
  await setMaxIdle(am);
  const send = await asAdministrator(am);
  for (const name of realms.map((realm) => realm.slice(1))) {
    const realm = { name, active: true, parentPath: '/', aliases: [] };
    expectStatus(await send('POST', '/json/global-config/realms?_action=create', '1.0', realm), 201, 409);
  }
  const user = {
    username: jurgen.name,
    userpassword: jurgen.password,
    mail: ['jurgen@example.org'],
    sn: [`user-${randomUUID()}`],
    cn: [jurgen.name],
  };
  expectStatus(await send('POST', '/json/realms/root/users?_action=create', '3.0', user), 201, 409);
}

function expectStatus(reply: Reply, ...accepted: number[]): void {
  if (!accepted.includes(reply.status)) throw new Error(`OpenAM said ${reply.status}: ${reply.text}`);
}
