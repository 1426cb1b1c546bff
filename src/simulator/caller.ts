// What OpenAM does before anything else: it looks who calls, and that alone is a use of the session.

import type { Am, AmRequest } from './am.js';
import type { Answer } from './answers.js';
import { isDamaged } from './tokens.js';

/**
 * Measured on OpenAM 16.0.5: a live token that comes along with any request under `/json` has its idle time reset,
 * whatever then becomes of the request, be it for another host, of no known version or in no realm. A damaged one makes
 * all of them 500, logins too.
 */
export function meetCaller(am: Am, request: AmRequest): { readonly refused?: Answer; readonly reset: boolean } {
  if (am.config.flavor !== 'openam') return { reset: false };
  const { cookieToken, headerToken, query } = request;
  const given = [cookieToken, headerToken, query.get('tokenId')];
  if (given.some((token) => typeof token === 'string' && isDamaged(token))) {
    return { refused: am.answers.empty(500, { early: true, outcome: 'damaged' }), reset: false };
  }
  return { reset: am.table.touch(cookieToken ?? headerToken) };
}
