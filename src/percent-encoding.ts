// Percent-encoding (RFC 3986, 2.1) as decodeURIComponent sees it.

/** Whether every escape is whole and UTF-8; also false for overlong forms such as `%c0%af`. */
export function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
