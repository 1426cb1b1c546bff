// A logger that remembers.

import type { Logger } from '../../src/ops/log.js';

export function recordingLogger(lines: string[]): Logger {
  const record = (level: string) => (fields: object, message: string) => {
    lines.push(JSON.stringify({ level, message, ...fields }));
  };
  return { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
}
