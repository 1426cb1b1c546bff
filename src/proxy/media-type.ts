// What a body is, from its `Content-Type`.

/** Without parameters, in lower case; `''` without a header (RFC 9110, 8.3.1). */
export function mediaTypeOf(contentType = ''): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
