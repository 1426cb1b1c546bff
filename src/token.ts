// A session's name everywhere but towards AM: the SHA-256 of its token.

import { hash } from 'node:crypto';
import type { Credential } from './am/client.js';

export function credentialOf(token: string, sticky: string | undefined): Credential {
  return { id: hash('sha256', token, 'base64url'), token, sticky };
}
