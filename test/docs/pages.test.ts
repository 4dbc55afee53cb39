import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../e2e/process/helper.ts';
import { hasOwnReadme, listBlocks, pages, readPage } from './blocks.ts';

/** The files that the pages add. */
const added = pages.flatMap((page) => listBlocks(page).flatMap(({ files }) => files));

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
/** Returns the inline code of a page. */
const codeOf = (page: string) =>
  [
    ...readPage(page)
      .replace(/```.*?```/gs, '')
      .matchAll(/`([^`]+)`/g),
  ].map(([, code]) => code as string);

const countLines = (page: string) => readPage(page).trimEnd().split('\n').length;

test('AGENTS.md has at most 60 lines', () => {
  expect(countLines('AGENTS.md')).toBeLessThanOrEqual(60);
});

describe.runIf(hasOwnReadme)('README.md', () => {
  test('has at most 150 lines', () => {
    expect(countLines('README.md')).toBeLessThanOrEqual(150);
  });

  test('names every command', () => {
    const text = readPage('README.md');
    for (const name of Object.keys(scripts).filter((name) => name !== 'start'))
      expect(text, name).toMatch(new RegExp(`(run\\.sh |\`)${name}\\b`));
  });

  test('links to every page of docs, directly or through other pages', () => {
    const reached = new Set<string>();
    const follow = (page: string) => {
      if (reached.has(page) || !page.endsWith('.md') || isDeleted(page)) return;
      reached.add(page);
      for (const [, target = ''] of readPage(page).matchAll(/\]\(([^)#]+)[^)]*\)/g))
        if (!/^https?:/.test(target)) follow(normalize(join(dirname(page), target)));
    };
    follow('README.md');
    expect(pages.filter((page) => !reached.has(page) && page !== 'AGENTS.md')).toEqual([]);
  });
});

/** Returns whether a path is in a deleted benchmark. A product may delete the benchmark. */
function isDeleted(path: string): boolean {
  return path.startsWith('bench/') && !existsSync(join(root, 'bench'));
}

test.for(pages)('%s: every command is an npm script or an option of run.sh', (page) => {
  const usage = read('run.sh');
  const text = readPage(page);
  for (const [, name = ''] of text.matchAll(/npm run ([\w:]+)/g))
    expect(Object.keys(scripts)).toContain(name);
  for (const [, word = ''] of text.matchAll(/\.\/run\.sh (?!COMMAND)([a-z][\w:]*|--\w+)/g))
    expect(usage).toContain(`  ${word}`);
});

test.for(pages)('%s: every file and folder in its code exists', (page) => {
  const named =
    /^(?:src|generated|test|scripts|tools|deploy|bench|docs|\.ci|\.vscode)\/[\w./-]*$|^[\w.-]+\.(?:mjs|yaml|sh)$/;
  const paths = codeOf(page).filter((code) => named.test(code) && !added.includes(code) && !isDeleted(code));
  for (const path of paths) expect(existsSync(join(root, path)), path).toBe(true);
});

test.for(pages)('%s: every link has an existing file and heading as its target', (page) => {
  for (const [, target = ''] of readPage(page).matchAll(/\]\(([^)]+)\)/g)) {
    if (/^https?:/.test(target) || isDeleted(normalize(join(dirname(page), target)))) continue;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : normalize(join(dirname(page), path));
    expect(existsSync(join(root, file)), target).toBe(true);
    if (anchor !== undefined && (file !== 'README.md' || hasOwnReadme))
      expect(listAnchors(file), target).toContain(anchor);
  }
});

/** Lists the anchors of a page's headings in the form of GitHub. */
function listAnchors(page: string): string[] {
  return [...readPage(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test('every decision has a page with the four sections, and is in the list', () => {
  const decisions = pages.filter((page) => /^docs\/decisions\/\d/.test(page));
  expect(decisions.length).toBeGreaterThanOrEqual(24);
  for (const [index, page] of decisions.entries()) {
    const text = readPage(page);
    const number = String(index + 1).padStart(4, '0');
    expect(page).toContain(`/${number}-`);
    const title = new RegExp(`^# ${number}\\. (.*)\\n`).exec(text)?.[1] as string;
    expect(readPage('docs/decisions/README.md'), page).toContain(`| ${title} |`);
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, part]) => part)).toEqual([
      'Context',
      'Options',
      'Decision',
      'Consequences',
    ]);
  }
});

test.for(pages)('%s: every excerpt is a part of its file', (page) => {
  for (const { source, text } of listBlocks(page))
    if (source !== undefined) expect(read(source)).toContain(text);
});

test('every block of TypeScript is a file that a test writes, or an excerpt of one', () => {
  const loose = pages.flatMap((page) =>
    listBlocks(page).filter(
      ({ language, files, source }) => language === 'ts' && files.length === 0 && source === undefined,
    ),
  );
  expect(loose).toEqual([]);
});
