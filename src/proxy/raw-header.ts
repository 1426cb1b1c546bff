// One header of a message, without the others.

/**
 * All lines of this name, joined by commas. Node makes an object of all headers when it is asked for the first, which takes
 * a fiftieth of a proxied request's time.
 *
 * @param name in lower case
 */
export function rawHeader(rawHeaders: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] ?? '';
    if (header.length !== name.length || header.toLowerCase() !== name) continue;
    value = value === undefined ? rawHeaders[i + 1] : `${value}, ${rawHeaders[i + 1] ?? ''}`;
  }
  return value;
}
