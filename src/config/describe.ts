// A Config put into words: the effective settings, and what is allowed but seldom meant.

import { isIPv4 } from 'node:net';

import type { Config } from './types.js';
import { derivedDefaults } from './assemble.js';
import { masked, printable } from './error.js';
import { isRecord } from './parsers.js';
import { isRemoteHttp } from './rules.js';
import { settingOf, variables } from './settings.js';
import type { Variable } from './settings.js';

/** One `NAME=value` line per variable, in the form of a `.env` file; secrets masked, defaults marked. */
export function describeConfig(config: Config): string[] {
  return variables.map((variable) => {
    const { secret, unset } = settingOf(variable);
    const text = textOf(valueOf(config, variable));
    const isDefault = text === textOf(defaultOf(config, variable));
    const why = unset && text === '' ? `default: ${unset.replaceAll('`', '')}` : 'default';
    return `${variable}=${quoted(printable(secret && text ? masked(text) : text))}${isDefault ? ` # ${why}` : ''}`;
  });
}

/**
 * What an operator should know at start although it is no mistake; one sentence each.
 *
 * @param hasStore whether nodes share what they know by a store that the configuration does not name
 */
export function configWarnings(config: Config, hasStore = false): string[] {
  const { am, session } = config;
  const warnings: string[] = [];
  if (isRemoteHttp(am.url)) {
    warnings.push('AM_URL (am.url) is plain http to another machine: SSO tokens can be read on the way.');
  } else if (isRemoteHttp(am.publicUrl)) {
    warnings.push(
      'AM_PUBLIC_URL (am.publicUrl) is plain http: passwords and SSO tokens can be read between browser and AM.',
    );
  }
  if (config.publicUrl === undefined && !isLoopbackHost(config.host)) {
    warnings.push(
      'PUBLIC_URL (publicUrl) is not set and HOST (host) is not loopback: the own origin is taken from each request.',
    );
  }
  if (am.flavor === 'openam' && !hasStore && config.redisUrl === undefined) {
    warnings.push(
      "AM_FLAVOR=openam (am.flavor) without REDIS_URL (redisUrl): two nodes, or two applications, keep each other's sessions awake, since asking AM resets the idle time.",
    );
  }
  if (am.downGraceS > 0 && am.downGraceS < session.trustS) {
    warnings.push(
      'AM_DOWN_GRACE_S (am.downGraceS) is smaller than SESSION_TRUST_S (session.trustS): it changes nothing.',
    );
  }
  return warnings;
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function valueOf(config: Config, variable: Variable): unknown {
  switch (variable) {
    case 'AM_ALLOW_HTTP':
      return isRemoteHttp(config.am.url);
    case 'PROXY_ROUTES':
      return config.routes.filter((route) => route.access === 'session');
    case 'PUBLIC_ROUTES':
      return config.routes.filter((route) => route.access === 'public');
    default:
      return settingOf(variable)
        .option.split('.')
        .reduce((value: unknown, key) => (isRecord(value) ? value[key] : undefined), config);
  }
}

function defaultOf(config: Config, variable: Variable): unknown {
  const setting = settingOf(variable);
  if (setting.default !== undefined) return setting.parser.parse(setting.default);
  return (derivedDefaults(config.am) as Partial<Record<Variable, unknown>>)[variable];
}

/** As it would be written in the environment. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',') || 'none';
  if (isRecord(value)) return `${textOf(value['path'])}=${textOf(value['target'])}`;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Quoted where the reader of a `.env` file would otherwise see a comment or lose blanks. */
function quoted(text: string): string {
  if (!/[\s#'"`]/.test(text)) return text;
  const mark = ['"', "'", '`'].find((candidate) => !text.includes(candidate)) ?? '"';
  return mark + text + mark;
}
