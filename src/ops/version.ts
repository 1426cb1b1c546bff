// The version of this package.

import { readFileSync } from 'node:fs';
import { isRecord } from '../config/parsers.js';

/** `unknown` where the package was bundled into another file. */
export function packageVersion(): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    // in a bundle it is somebody else's
    const isOurs = isRecord(manifest) && manifest['name'] === 'am-session-proxy';
    return isOurs ? String(manifest['version']) : 'unknown';
  } catch {
    return 'unknown';
  }
}
