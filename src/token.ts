// A session's name everywhere but towards AM: the SHA-256 of its token.

import { createHash } from 'node:crypto';
import type { Credential } from './am/client.js';

export function credentialOf(token: string, sticky: string | undefined): Credential {
  return { id: createHash('sha256').update(token).digest('base64url'), token, sticky };
}
