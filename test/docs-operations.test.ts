// docs/operations.md explains every line of the log, every metric and every alert, and none that there is not.

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configWarnings, parseConfig } from '../src/config.js';
import { sessionProxy } from '../src/index.js';
import { createMemoryStores } from '../src/store/memory.js';
import { recordingLogger } from './support/log.js';
import { readPage } from './support/markdown.js';
import { scrape } from './support/metrics.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = readPage(join(root, 'docs/operations.md'));
const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !/^(?:demo|simulator)/.test(name))
  .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
  .join('\n');

interface Line {
  readonly level: string;
  readonly message: string;
}

describe('the lines of the log', () => {
  /** As they begin. */
  const documented: Line[] = page
    .rows('Logs')
    .filter(([, message = '']) => message.startsWith('`'))
    .map(([level = '', message = '']) => ({ level, message: message.replaceAll('`', '') }));

  it('are all explained, with their level', () => {
    const written = linesIn(source);
    expect(written.length).toBeGreaterThan(20);
    const unknown = written.filter(
      ({ level, message }) => !documented.some((line) => line.level === level && message.startsWith(line.message)),
    );
    expect(unknown).toEqual([]);
  });

  it('are all written', () => {
    const unknown = documented.filter(
      ({ message }) => !["'", '"', '`'].some((mark) => source.includes(mark + message)),
    );
    expect(unknown).toEqual([]);
  });

  it('at the start are the warnings of the configuration', () => {
    const doubtful = parseConfig({
      am: { url: 'http://am.example.com/am', allowHttp: true, flavor: 'openam', downGraceS: 1 },
      host: '0.0.0.0',
    });
    const warnings = configWarnings(doubtful);
    expect(warnings.length).toBeGreaterThan(3);
    for (const warning of warnings) expect(page.text).toContain(`\`${warning.split(/[:;]/)[0]}`);
  });
});

/** What is handed to the logger, or to what hands it on. */
function linesIn(code: string): Line[] {
  const calls = code.matchAll(/\b(?:log\.(?<level>info|warn|error)|(?<indirect>reportError|saySingle|onWarning))\(/g);
  return [...calls].flatMap((call) => {
    const level = call.groups?.['level'] ?? (call.groups?.['indirect'] === 'reportError' ? 'error' : 'warn');
    const message = messageIn(argumentsAt(code, call.index + call[0].length));
    return message === undefined ? [] : [{ level, message }];
  });
}

function argumentsAt(code: string, start: number): string {
  let end = start;
  for (let depth = 1; depth > 0 && end < code.length; end++) {
    if (code[end] === '(') depth++;
    if (code[end] === ')') depth--;
  }
  return code.slice(start, end - 1);
}

/** The first text in it that is no code; undefined: what is handed on has its message elsewhere. */
function messageIn(code: string): string | undefined {
  return [...code.matchAll(/'([^'\n]+)'|"([^"\n]+)"|`([^`]+)`/g)]
    .map(([, single, double, template]) => single ?? double ?? template ?? '')
    .find((text) => text.includes(' ') || text === 'listening' || text === 'stopped');
}

describe('the metrics', () => {
  it('are all explained, but for those of Node, and all there', async () => {
    const logger = recordingLogger([]);
    const store = createMemoryStores().join();
    // of an AM that is not there: what the page has does not depend on it
    const bff = sessionProxy({ am: { url: 'http://127.0.0.1:9/am' }, store, logger });
    const server = http.createServer(bff.metrics).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { types } = await scrape(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
    server.close();
    await bff.close();
    const ours = [...types.keys()].filter((name) => name.startsWith('am_session_proxy_'));
    const cells = page.rows('Metrics').map(([cell = '']) => cell);
    const documented = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(documented.toSorted()).toEqual(ours.toSorted());
  });
});

describe('the alerts', () => {
  it('have a section each, and no other has one', () => {
    const rules = readFileSync(join(root, 'docs/operations/alerts.yml'), 'utf8');
    const anchors = [...rules.matchAll(/runbook_url: docs\/operations\.md#([\w-]+)/g)].map(([, anchor]) => anchor);
    const part = page.text.split('\n## Alerts\n')[1]?.split('\n## ')[0] ?? '';
    const sections = [...part.matchAll(/^### (.+)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    );
    expect(sections).toEqual(anchors);
  });
});
