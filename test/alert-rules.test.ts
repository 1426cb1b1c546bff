// The alert rules and the dashboard: they load, fire when they should, and name nothing that the page does not have.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startCommand } from './support/command.js';
import { readPage } from './support/markdown.js';
import { scrape, type MetricsPage } from './support/metrics.js';
import { describeWith, pathOf } from './support/programs.js';

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const rules = readFileSync(file('docs/operations/alerts.yml'), 'utf8');
const operations = file('docs/operations.md');
const run = promisify(execFile);

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

const dashboard = JSON.parse(readFileSync(file('docs/operations/grafana-dashboard.json'), 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Without what people read. */
const expressions = rules
  .split('\n')
  .filter((line) => !/^ *(#|summary:|description:|runbook_url:)/.test(line))
  .join('\n');

let command: ReturnType<typeof startCommand>;
let page: MetricsPage;
beforeAll(async () => {
  command = startCommand([], {
    // neither AM nor Redis is there: what the page has does not depend on them
    AM_URL: 'http://127.0.0.1:9/am',
    AM_COOKIE_NAME: 'iPlanetDirectoryPro',
    REDIS_URL: 'redis://127.0.0.1:9',
    PORT: '0',
    ADMIN_PORT: '0',
  });
  page = await scrape(await command.says(/serves metrics on (\S+)/));
});
afterAll(async () => {
  command.child.kill('SIGKILL');
  await command.exit;
});

/** The series of ours that it names. */
function seriesIn(text: string): string[] {
  return [...new Set(text.match(/\b(am_session_proxy|process|nodejs)_\w+/g))];
}

/** What it asks of labels whose values we know. */
function labelsIn(text: string): [label: string, value: string][] {
  const asked = text.matchAll(/\b(action|outcome|request|decision|operation|code)=~?"([^"]+)"/g);
  return [...asked].flatMap(([, label = '', values = '']) =>
    values.split('|').map((value): [string, string] => [label, value]),
  );
}

const sources: [string, () => string][] = [
  ['the alert rules', () => expressions],
  ['the dashboard', () => [...queries, JSON.stringify(dashboard.templating)].join('\n')],
];

describe.each(sources)('%s', (_source, text) => {
  it('name only what is on the page', () => {
    const named = seriesIn(text());
    expect(named.length).toBeGreaterThan(10);
    const there = new Set(page.samples.map(({ name }) => name));
    expect(named.filter((name) => !there.has(name))).toEqual([]);
  });

  it('ask only for values that labels have', () => {
    const asked = labelsIn(text());
    expect(asked.length).toBeGreaterThan(0);
    const there = ([label, value]: [string, string]) => page.samples.some(({ labels }) => labels[label] === value);
    expect(asked.filter((pair) => !there(pair))).toEqual([]);
  });
});

describe('the dashboard', () => {
  it('takes its data from the source that the reader chooses', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance']);
    const text = JSON.stringify(dashboard.panels);
    expect(new Set(text.match(/"uid":"[^"]*"/g))).toEqual(new Set(['"uid":"${datasource}"']));
  });

  it('shows every counter and gauge of ours', () => {
    const shown = new Set(seriesIn(queries.join('\n')).map((name) => name.replace(/_bucket$/, '')));
    const limits = ['am_session_proxy_sessions_limit'];
    const ours = [...page.types.keys()].filter((name) => name.startsWith('am_session_proxy_'));
    expect(ours.filter((name) => !shown.has(name))).toEqual(limits);
  });
});

describe('each alert', () => {
  const alerts = rules.split(/^ +- alert: /m).slice(1);
  const names = alerts.map((alert) => /^\w+/.exec(alert)?.[0] ?? '');
  const anchorOf = (name: string) => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();

  it('says what is wrong, what it means, and where to read what to do', () => {
    expect(alerts.length).toBeGreaterThan(10);
    expect(new Set(names).size).toBe(names.length);
    for (const [i, alert] of alerts.entries()) {
      for (const part of ['severity', 'summary', 'description'])
        expect(alert).toMatch(new RegExp(`^ +${part}: \\S`, 'm'));
      expect(alert).toContain(`runbook_url: docs/operations.md#${anchorOf(names[i] ?? '')}\n`);
    }
  });

  it('has its heading in docs/operations.md', () => {
    const { anchors } = readPage(operations);
    expect(names.map(anchorOf).filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });
});

describeWith(['promtool'], 'Prometheus', () => {
  it('loads the rules', async () => {
    const { stdout } = await run(pathOf('promtool'), ['check', 'rules', file('docs/operations/alerts.yml')]);
    expect(stdout).toContain('SUCCESS');
  });

  it('fires them when it should, and not before', async () => {
    const { stdout } = await run(pathOf('promtool'), ['test', 'rules', file('test/support/alerts-fire.yml')]);
    expect(stdout).toContain('SUCCESS');
  });

  it('understands how docs/operations.md tells it of the nodes, with the rules and their runbooks', async () => {
    const guide = readPage(operations);
    const folder = mkdtempSync(join(tmpdir(), 'scraping-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));

    const copy = guide.blocks('sh').find((block) => block.startsWith('sed ')) ?? '';
    const copyHere = copy.replace('node_modules/am-session-proxy/', file('')).replace('/etc/prometheus/', `${folder}/`);
    await run('sh', ['-c', copyHere]);
    const runbooks = readFileSync(join(folder, 'am-session-proxy.yml'), 'utf8').match(/(?<=runbook_url: ).*/g) ?? [];
    expect(runbooks.length).toBeGreaterThan(10);
    for (const runbook of runbooks) expect(new URL(runbook).pathname).toMatch(/\/docs\/operations\.md$/);

    const configurations = guide.blocks('yaml').filter((block) => block.includes('scrape_configs:'));
    expect(configurations).toHaveLength(2);
    const [, job = ''] = /job="([^"]+)"/.exec(expressions) ?? [];
    for (const configuration of configurations) {
      expect(configuration).toContain(`- job_name: ${job}\n`);
      // not every promtool is built with Kubernetes in it
      const known = configuration.replace('kubernetes_sd_configs: [{ role: pod }]', 'static_configs: []');
      const path = join(folder, 'prometheus.yml');
      writeFileSync(path, known);
      expect((await run(pathOf('promtool'), ['check', 'config', path])).stdout).toContain(`${path} is valid`);
    }
    expect(guide.text).toContain(`{ targetLabel: job, replacement: ${job} }`);
  });

  it('understands every query of the dashboard', async () => {
    const asRules = queries.map((query, i) => ({
      record: `query_${i}`,
      expr: query.replaceAll('$__rate_interval', '5m'),
    }));
    const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    // JSON is YAML
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
    const { stdout } = await run(pathOf('promtool'), ['check', 'rules', join(folder, 'rules.yml')]);
    expect(stdout).toContain(`SUCCESS: ${queries.length} rules found`);
  });

  it('understands the page, and has nothing to say about our names', async () => {
    // those of the process are prom-client's, which come last
    const ours = page.text.slice(0, page.text.indexOf('# HELP process_'));
    expect(ours).toContain('am_session_proxy_redis_operation_duration_seconds_count');
    const check = run(pathOf('promtool'), ['check', 'metrics']);
    check.child.stdin?.end(`${ours.trimEnd()}\n`);
    const { stdout, stderr } = await check;
    expect(stdout + stderr).toBe('');
  });
});
