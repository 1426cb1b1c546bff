// What is said about a bad configuration: every mistake in one message, with nothing secret and nothing a terminal obeys.

/** One thing to put right. */
export interface Mistake {
  /** As the user knows it: `AM_URL` from the environment, `am.url` from options. */
  readonly name: string;
  /** What was given, secrets masked; absent when nothing was, or when the name is the mistake. */
  readonly value?: string;
  /** What is wrong and what is accepted: reads on after the name. */
  readonly problem: string;
}

/** Thrown for a configuration that cannot be used; holds all its mistakes, not just the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'ERR_CONFIG';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const lines = mistakes.map(
      ({ name, value, problem }) => `  ${name}${value === undefined ? '' : `=${value}`} ${problem}`,
    );
    const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
    super(`${count} in the configuration of am-session-proxy:\n${lines.join('\n')}`);
    this.mistakes = mistakes;
  }
}

const LONGEST_SHOWN = 200;

/** Makes any text safe to print: control, format (bidirectional) and line-separating characters become `\u{…}`. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Replaces user name and password of a URL by `***`, also in URLs too broken to parse. */
function withoutPassword(text: string): string {
  // Up to the last `@`: a password that was not percent-encoded may hold one itself.
  return text.replace(/^(.*?:[\\/]*).*@/s, '$1***@');
}

/** A secret as it may be shown: a URL without its credentials, anything else not at all. */
export function masked(text: string): string {
  if (!URL.canParse(text)) return '***';
  const { protocol, host, pathname, username, password } = new URL(text);
  if (host === '') return '***';
  // a password with an unescaped / ? or # looks like a path
  if (!username && !password && text.includes('@')) return `${protocol}//***`;
  return `${protocol}//${username || password ? '***@' : ''}${host}${pathname}`;
}

/** What was given, as it may appear in a message: masked, printable, of bounded length. */
export function shown(value: unknown, secret: boolean): string {
  const text = asText(value);
  const safe = printable(secret ? masked(text) : withoutPassword(text));
  return safe.length > LONGEST_SHOWN ? `${safe.slice(0, LONGEST_SHOWN)}…` : safe;
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return '(an array)';
  if (typeof value === 'object' && value !== null) return '(an object)';
  if (typeof value === 'function') return '(a function)';
  return String(value);
}
