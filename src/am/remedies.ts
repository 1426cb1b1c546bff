// What to look at or to set when AM does not answer, or refuses.

import { connectHint } from '../ops/connect-hint.js';
import type { Unknown } from './answers.js';

/** Of a refusal. */
export const consequences: Readonly<Record<string, string>> = {
  serverinfo: "AM's SSO cookie and its domains cannot be asked for",
  refresh: 'no session can be confirmed, none kept alive',
  peek: 'no session can be confirmed',
  logout: 'a logout ends the session here only, not at AM,',
};

export function hintFor({ cause, detail }: Unknown): string | undefined {
  if (cause === 'connect') return connectHint(detail);
  if (/^HTTP (?:429|5\d\d)$/.test(detail))
    return 'AM, or what stands in front of it, fails or is overloaded: look there';
  return cause === 'bad-answer' ? "what answers is not AM, or not AM's JSON: check AM_URL (am.url)" : undefined;
}

export function remedy(action: string, status: number, flavor: 'ping' | 'openam'): string {
  if (status === 400) return 'AM may not know the host name that it is called by: set AM_PUBLIC_URL (am.publicUrl)';
  if (status === 403 && action === 'refresh' && flavor === 'ping')
    return 'community OpenAM refuses the refresh of a session by its own token: set AM_FLAVOR (am.flavor) to openam';
  if (status === 404)
    return 'no such path, realm or API version: check AM_URL (am.url), AM_REALM (am.realm) and AM_FLAVOR (am.flavor)';
  if (status === 501) return 'no such action at this API version: check AM_FLAVOR (am.flavor)';
  return 'check AM_URL (am.url), AM_REALM (am.realm), AM_COOKIE_NAME (am.cookieName) and AM_FLAVOR (am.flavor)';
}
