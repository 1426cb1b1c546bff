// A metrics page, read as Prometheus reads it: a line that is none of its text format is an error.

import { request } from './http.js';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricsPage {
  readonly text: string;
  readonly samples: readonly Sample[];
  /** Name to type, as the page declares them. */
  readonly types: ReadonlyMap<string, string>;
  /** Sum of the samples of this name with these labels; undefined where there are none. */
  sum(name: string, labels?: Record<string, string>): number | undefined;
}

/** @param url of the page */
export async function scrape(url: string): Promise<MetricsPage> {
  const { pathname } = new URL(url);
  const answer = await request(url, pathname);
  if (answer.status !== 200) throw new Error(`the metrics page answers ${answer.status}`);
  return readPage(answer.body);
}

function readPage(text: string): MetricsPage {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('# HELP '))) {
    const [, declared, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (declared !== undefined && type !== undefined) types.set(declared, type);
    else samples.push(readSample(line));
  }
  return {
    text,
    samples,
    types,
    sum(name, labels = {}) {
      const found = samples.filter(
        (sample) =>
          sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      );
      return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

function readSample(line: string): Sample {
  const [, name, inner = '', value] =
    /^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="[^"\\]*",?)*)\})? (Nan|-?[\d.]+(?:e[+-]\d+)?)$/.exec(line) ?? [];
  if (name === undefined) throw new Error(`no line of the text format: ${line}`);
  const labels = Object.fromEntries([...inner.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, key, text]) => [key, text]));
  return { name, labels, value: Number(value) };
}
