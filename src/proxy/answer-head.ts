// The head of an upstream's answer: written whole, or not at all.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { rawLines } from './raw-lines.js';

/**
 * Writes the head; what stands on the answer already stays, but for headers of the same names.
 *
 * @param headers flat list of names and values
 * @returns false if Node's parser took bytes from the upstream that its writer refuses (a control character in the reason
 * or in a header); then nothing of the upstream is left on the answer
 */
export function writeAnswerHead(
  res: ServerResponse,
  { statusCode = 502, statusMessage }: Pick<IncomingMessage, 'statusCode' | 'statusMessage'>,
  headers: string[],
): boolean {
  try {
    // on-headers before 1.1, in old morgans and express-sessions, makes other headers of a list: `c: o` of content-type
    const isPatched = Object.hasOwn(res, 'writeHead');
    const names = res.getHeaderNames();
    if (!isPatched && names.length === 0) res.writeHead(statusCode, statusMessage, headers);
    else {
      // Node 20 keeps only the last of several lines of one name when it merges headers with such a list
      for (const name of names) if (rawLines(headers, name).length > 0) res.removeHeader(name);
      for (let i = 0; i + 1 < headers.length; i += 2) addHeader(res, headers[i] ?? '', headers[i + 1] ?? '');
      res.writeHead(statusCode, statusMessage);
    }
    return true;
  } catch {
    removeHeaders(res, headers);
    res.statusMessage = '';
    return false;
  }
}

function addHeader(res: ServerResponse, name: string, value: string): void {
  // which checks them once, `appendHeader` twice
  if (!res.hasHeader(name)) res.setHeader(name, value);
  else res.appendHeader(name, value);
}

function removeHeaders(res: ServerResponse, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) res.removeHeader(headers[i] ?? '');
}
