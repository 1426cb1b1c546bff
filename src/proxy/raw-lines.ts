// One header of a message, without the others.

/**
 * The values of all lines of this name. Node makes an object of all headers when it is asked for the first, which takes a
 * fiftieth of a proxied request's time.
 *
 * @param name in lower case
 */
export function rawLines(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] ?? '';
    // nearly all names differ in length
    if (header.length === name.length && header.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? '');
  }
  return values;
}
