// TRUST_PROXY: whose X-Forwarded-* headers count.

import { isIP, isIPv4 } from 'node:net';

import { itemsOf, parseItems, Refused } from './parsers.js';
import type { Parser } from './parsers.js';
import { closest } from './suggest.js';

// proxy-addr's names for private ranges.
const NAMES = ['loopback', 'linklocal', 'uniquelocal'] as const;

const MOST_HOPS = 100;

const EVERYBODY =
  'would believe X-Forwarded-* headers of any client; give the number of proxies in front, or their addresses';

const address: Parser<string> = {
  accepts: 'an address, a subnet or a name of one',
  parse(value) {
    if (typeof value !== 'string') throw new Refused();
    const text = value.toLowerCase();
    if (NAMES.some((name) => name === text)) return text;
    const [ip = '', bits, ...rest] = text.split('/');
    if (isIP(ip) === 0 || ip.includes('%') || rest.length > 0) throw new Refused(nearName(text));
    if (bits === undefined) return text;
    if (!/^\d{1,3}$/.test(bits) || Number(bits) > (isIPv4(ip) ? 32 : 128)) throw new Refused('is not a subnet');
    if (Number(bits) === 0) throw new Refused(EVERYBODY);
    return text;
  },
};

export const trustProxy: Parser<false | number | readonly string[]> = {
  accepts:
    'false, the number of proxies in front (1 or more), or addresses and subnets separated by commas, ' +
    'such as 10.0.0.0/8 or loopback, linklocal, uniquelocal',
  parse(value) {
    if (value === false || value === 'false') return false;
    if (value === true || value === 'true') throw new Refused(EVERYBODY);
    if (typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))) return hops(Number(value));
    const items = itemsOf(value);
    if (items.length === 0) throw new Refused('names no proxy');
    return [...new Set(parseItems(address, items))];
  },
};

function hops(count: number): number {
  if (!Number.isInteger(count) || count > MOST_HOPS) throw new Refused();
  if (count < 1) throw new Refused('is no number of proxies: use false');
  return count;
}

function nearName(text: string): string {
  const near = closest(text, NAMES);
  return near === undefined ? '' : `is no address (did you mean ${near}?)`;
}
