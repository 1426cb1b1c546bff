// How words, times and messages are written in Redis, and read back.

import type { AliveWord, EndWord, Reading, StoreListener } from './session-store.js';

/** Milliseconds as PX takes them: whole, and at least 1; longer than anybody will wait where there is no end. */
export function lifetime(ms: number): string {
  return String(Math.min(Math.max(1, Math.ceil(ms)), Number.MAX_SAFE_INTEGER));
}

export function aliveText({ confirmedAt, accessAt, idleDeadline, maxDeadline }: AliveWord): string {
  // numbers as JavaScript writes them: `Infinity` too comes back as it was
  return `alive ${confirmedAt} ${accessAt} ${idleDeadline} ${maxDeadline}`;
}

export function endedText(confirmed: boolean): string {
  return `ended ${confirmed ? 1 : 0}`;
}

/** What the script answers; a team's client may give strings as buffers and numbers as strings. */
export function readingOf(reply: unknown): Reading {
  if (!Array.isArray(reply)) throw new Error('Redis: not the answer of a script');
  const [seconds, microseconds, text, leftMs] = reply.map(String);
  return {
    now: Number(seconds) * 1000 + Number(microseconds) / 1000,
    word: wordOf(text ?? '', Number(leftMs)),
  };
}

/** Something that is not ours is as good as nothing. */
function wordOf(text: string, leftMs: number): AliveWord | EndWord | undefined {
  const [kind, ...fields] = text.split(' ');
  if (kind === 'ended') return { kind, confirmed: fields[0] === '1', leftMs: Math.max(0, leftMs) };
  const numbers = fields.map(Number);
  const [confirmedAt = NaN, accessAt = NaN, idleDeadline = NaN, maxDeadline = NaN] = numbers;
  // four numbers, or the fourth were none
  if (kind !== 'alive' || Number.isNaN(maxDeadline) || numbers.some(Number.isNaN)) return undefined;
  return { kind, confirmedAt, accessAt, idleDeadline, maxDeadline };
}

export function endMessage(id: string, confirmed: boolean, forMs: number): string {
  return `${endedText(confirmed)} ${lifetime(forMs)} ${id}`;
}

export function askMessage(id: string): string {
  return `left ${id}`;
}

export function deathMessage(id: string): string {
  return `dead ${id}`;
}

const endPattern = /^ended ([01]) ([1-9]\d{0,15}) ([\w-]{1,64})$/;
const otherPattern = /^(dead|left) ([\w-]{1,64})$/;

/** Anybody may publish: what is not ours is not heard. */
export function deliver(message: string, listener: StoreListener): void {
  const [, confirmed, forMs, ended] = endPattern.exec(message) ?? [];
  if (ended !== undefined) return listener.onEnd(ended, confirmed === '1', Number(forMs));
  const [, kind, id] = otherPattern.exec(message) ?? [];
  if (id === undefined) return;
  if (kind === 'dead') listener.onDeath(id);
  else listener.onAskedToEnd(id);
}
