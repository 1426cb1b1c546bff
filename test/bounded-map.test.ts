import { describe, expect, it } from 'vitest';
import { BoundedMap } from '../src/bounded-map.js';

interface Entry {
  over?: boolean;
  inUse?: boolean;
}

function createMap(max: number) {
  const evicted: Entry[] = [];
  const map = new BoundedMap<Entry>({
    max,
    isOver: (entry) => entry.over ?? false,
    isInUse: (entry) => entry.inUse ?? false,
    onEvict: (entry) => evicted.push(entry),
  });
  return { map, evicted };
}

describe('a bounded map', () => {
  it('lets the entry go that was set longest ago, and tells of it', () => {
    const { map, evicted } = createMap(3);
    const entries: Record<string, Entry> = { a: {}, b: {}, c: {}, d: {} };
    for (const [key, entry] of Object.entries(entries)) map.set(key, entry);
    expect([...map.keys()]).toEqual(['b', 'c', 'd']);
    expect(evicted).toEqual([entries['a']]);
  });

  it('makes an entry that is set again the newest', () => {
    const { map } = createMap(2);
    map.set('a', {}).set('b', {}).set('a', {}).set('c', {});
    expect([...map.keys()]).toEqual(['a', 'c']);
  });

  it('spares what is in use, as long as there is something else within reach', () => {
    const { map } = createMap(2);
    map.set('a', { inUse: true }).set('b', {}).set('c', {});
    expect([...map.keys()]).toEqual(['a', 'c']);
    map.set('c', { inUse: true }).set('d', {});
    expect(map.size).toBe(2);
  });

  it('lets go of all that is over as others come, also behind entries that live long', () => {
    const { map } = createMap(1_000_000);
    map.set('long 1', {}).set('long 2', {}).set('long 3', {});
    const short = Array.from({ length: 1_000 }, () => ({ over: false }));
    for (const [i, entry] of short.entries()) map.set(`short ${i}`, entry);
    for (const entry of short) entry.over = true;
    for (let i = 0; i < 1_100; i++) map.set(`new ${i}`, {});
    expect([...map.keys()].filter((key) => key.startsWith('short'))).toEqual([]);
    expect(map.size).toBe(1_103);
  });
});
