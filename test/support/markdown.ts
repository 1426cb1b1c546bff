// Markdown as its readers use it: headings with their anchors, links, tables, blocks of code.

import { readFileSync } from 'node:fs';

export interface Page {
  readonly text: string;
  /** What `#…` may point to, as GitHub names them. */
  readonly anchors: ReadonlySet<string>;
  /** Targets of links, as written. */
  readonly links: readonly string[];
  /** The cells of each line of a table, in order; of the table under this heading, or of all. */
  rows(heading?: string): string[][];
  /** The blocks of code in this language. */
  blocks(language: string): string[];
}

export function readPage(file: string | URL): Page {
  const text = readFileSync(file, 'utf8');
  const prose = text.replace(/^```.*?^```/gms, '');
  const titles = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) => title);
  return {
    text,
    anchors: new Set(slugs(titles)),
    links: [...prose.replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target),
    rows(heading) {
      const part = heading === undefined ? prose : sectionOf(prose, heading);
      const lines = part.split('\n').filter((line) => line.startsWith('| ') && !/^[| -]+$/.test(line));
      return lines.map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    },
    blocks: (language) =>
      [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code = '']) => code),
  };
}

/** What stands under a heading of the second level. */
function sectionOf(text: string, heading: string): string {
  const [, rest] = text.split(`\n## ${heading}\n`);
  if (rest === undefined) throw new Error(`there is no heading "${heading}"`);
  return rest.split(/^## /m)[0] ?? '';
}

function slugs(titles: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return titles.map((title) => {
    const slug = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}
