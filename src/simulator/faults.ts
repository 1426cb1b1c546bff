// Faults: the rules that are set, and which of them meets a request.

import { checkRule, type FaultRule } from './fault-rule.js';
import { hashToken } from './tokens.js';

/** A fault that has been set. */
export interface Fault {
  readonly id: number;
  readonly rule: Omit<FaultRule, 'token'>;
  /** How many requests it has met. */
  readonly hits: number;
  /** Ends this fault alone. */
  clear(): void;
}

function prepare(rule: unknown): Omit<FaultRule, 'token'> {
  checkRule(rule);
  const { token, ...rest } = rule;
  return Object.freeze(token === undefined ? rest : { ...rest, session: hashToken(token) });
}

const fits = (rule: FaultRule, action: string | undefined, session: string | undefined): boolean =>
  (rule.action === undefined || rule.action === '*' || rule.action === action) &&
  (rule.session === undefined || rule.session === session);

export type Faults = ReturnType<typeof createFaults>;

export function createFaults() {
  let faults: { id: number; rule: Omit<FaultRule, 'token'>; hits: number }[] = [];
  let lastId = 0;

  function set(rule: Omit<FaultRule, 'token'>): Fault {
    const fault = { id: (lastId += 1), rule, hits: 0 };
    faults.push(fault);
    return {
      id: fault.id,
      rule,
      get hits() {
        return fault.hits;
      },
      clear: () => {
        faults = faults.filter((other) => other !== fault);
      },
    };
  }

  return {
    add: (rule: unknown): Fault => set(prepare(rule)),

    /** All of these or, if one of them is bad, none. */
    addAll(rules: readonly unknown[]): void {
      for (const rule of rules.map(prepare)) set(rule);
    },

    /** The rule that meets this request, if any; counts it. */
    take(action: string | undefined, session: string | undefined): FaultRule | undefined {
      const fault = faults.find(({ rule }) => fits(rule, action, session));
      if (fault === undefined) return undefined;
      fault.hits += 1;
      if (fault.hits === fault.rule.count) faults = faults.filter((other) => other !== fault);
      return fault.rule;
    },

    /** Those that may still meet requests. */
    list: () => faults.map(({ id, rule, hits }) => Object.assign({ id, hits }, rule)),

    clear(): void {
      faults = [];
    },
  };
}
