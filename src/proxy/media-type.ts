// What a body is, from its `Content-Type`.

import { rememberFew } from '../remember.js';

const bare = rememberFew((contentType) => (contentType.split(';', 1)[0] ?? '').trim().toLowerCase());

/** Without parameters, in lower case; `''` without a header (RFC 9110, 8.3.1). */
export function mediaTypeOf(contentType = ''): string {
  return bare(contentType);
}
