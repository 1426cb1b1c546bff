// Every link in the documentation leads somewhere: to a file that is there, and to a heading in it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readPage } from './support/markdown.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

test.each(pages)('%s has no link that leads nowhere', (name) => {
  const file = join(root, name);
  const broken = readPage(file).links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    if (!existsSync(target) || relative(root, target).startsWith('..')) return true;
    return anchor !== undefined && !readPage(target).anchors.has(anchor);
  });
  expect(broken).toEqual([]);
});

test.each(pages)('%s names no source or test that is not there', (name) => {
  const named = readFileSync(join(root, name), 'utf8').matchAll(
    /`((?:src|test|scripts|examples)\/[\w./-]+\.(?:ts|mjs))`/g,
  );
  expect([...named].map(([, file = '']) => file).filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('every page of the documentation is named in the README', () => {
  const named = readPage(join(root, 'README.md')).links;
  for (const page of pages.filter((name) => /^docs\/[\w-]+\.md$/.test(name))) expect(named, page).toContain(page);
});
