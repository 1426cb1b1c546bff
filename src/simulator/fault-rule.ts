// The rule of a fault: what it may say, and the check that it says nothing else.

const ACTIONS = [
  'refresh',
  'getSessionInfo',
  'getSessionInfoAndResetIdleTime',
  'validate',
  'logout',
  'serverinfo',
  'authenticate',
  'isAlive',
  'health',
  'login',
  '*',
] as const;

const KINDS = [
  'status',
  'hang',
  'reset',
  'garbage',
  'html',
  'empty',
  'slow',
  'huge',
  'redirect',
  'truncated',
  'drip',
] as const;

export type FaultKind = (typeof KINDS)[number];

/** Which requests fail, and how. The first rule that fits a request is the one that counts. */
export interface FaultRule {
  /**
   * - `status`: answers `status` with `body`, `headers` and `contentType`
   * - `hang`: never answers · `reset`: cuts the connection
   * - `garbage`: 200, said to be JSON, but is none · `html`: a page · `empty`: no body · `redirect`: 302 to `location`
   * - `huge`: 200 with `megabytes` of JSON
   * - `slow`: AM does its work at once, its answer takes `delayMs`
   * - `truncated`: AM does its work, the connection dies in the middle of its answer
   * - `drip`: AM does its work, its answer comes one byte per `intervalMs`
   */
  readonly kind: FaultKind;
  /** Default `*`: everything. */
  readonly action?: (typeof ACTIONS)[number];
  /** Only requests about this token; it is kept as a hash. */
  readonly token?: string;
  /** The same by the hash that journal and sessions show. */
  readonly session?: string;
  /** How many requests it meets. Default: all, until it is cleared. */
  readonly count?: number;
  /** For kinds that do without AM's work: it is done all the same, only its answer is lost. Default false. */
  readonly obey?: boolean;
  /** Default 500 for `status`, 200 for `html` and `empty`, 302 for `redirect`. */
  readonly status?: number;
  /** Text, or anything else to be sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `application/json;charset=UTF-8` with a `body`, else none. */
  readonly contentType?: string;
  /** Milliseconds, default 1000. */
  readonly delayMs?: number;
  /** Milliseconds, default 1000. */
  readonly intervalMs?: number;
  /** Default 16. */
  readonly megabytes?: number;
  /** Default a login page. */
  readonly location?: string;
}

const isNumber = (min: number, max = Infinity) => {
  return (value: unknown): boolean => typeof value === 'number' && value >= min && value <= max;
};
const isWhole = (min: number, max: number) => (value: unknown) => Number.isInteger(value) && isNumber(min, max)(value);
const isString = (value: unknown): boolean => typeof value === 'string';
const isHeaderValue = (value: unknown): boolean => typeof value === 'string' && /^[\t\x20-\x7e]*$/.test(value);
const isOneOf = (values: readonly unknown[]) => (value: unknown) => values.includes(value);

const CHECKS: Record<keyof FaultRule, readonly [accepts: (value: unknown) => boolean, wanted: string]> = {
  kind: [isOneOf(KINDS), `one of ${KINDS.join(', ')}`],
  action: [isOneOf(ACTIONS), `one of ${ACTIONS.join(', ')}`],
  token: [(value) => isString(value) && value !== '', 'a token'],
  session: [(value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value), 'a hash of 16 hex digits'],
  count: [isWhole(1, Infinity), 'a whole number above 0'],
  obey: [isOneOf([true, false]), 'true or false'],
  status: [isWhole(200, 599), 'a status from 200 to 599'],
  body: [() => true, 'anything'],
  headers: [
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.entries(value).every(([name, text]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && isHeaderValue(text)),
    'header values by name',
  ],
  contentType: [isHeaderValue, 'a content type'],
  delayMs: [isNumber(0), 'a number of milliseconds, 0 or more'],
  intervalMs: [isNumber(0), 'a number of milliseconds, 0 or more'],
  megabytes: [isWhole(1, 1024), 'a whole number from 1 to 1024'],
  location: [isHeaderValue, 'a URL'],
};

const isRuleKey = (name: string): name is keyof FaultRule => Object.hasOwn(CHECKS, name);

/** Throws a TypeError that lists every mistake. */
export function checkRule(rule: unknown): asserts rule is FaultRule {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) throw new TypeError('a fault is an object');
  const given = Object.entries(rule).filter(([, value]) => value !== undefined);
  const mistakes = given.flatMap(([name, value]: [string, unknown]) => {
    if (!isRuleKey(name)) return [`${name}: no such property; there are ${Object.keys(CHECKS).join(', ')}`];
    const [accepts, wanted] = CHECKS[name];
    // A token is a secret even where it is a mistake.
    const shown = name === 'token' ? '' : `, not ${JSON.stringify(value)}`;
    return accepts(value) ? [] : [`${name}: expected ${wanted}${shown}`];
  });
  if (!given.some(([name]) => name === 'kind')) mistakes.unshift(`kind: missing; expected ${CHECKS.kind[1]}`);
  if (mistakes.length > 0) throw new TypeError(`Bad fault:\n  ${mistakes.join('\n  ')}`);
}
