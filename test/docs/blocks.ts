import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block of a page. */
export interface Block {
  /** The path of the page, such as `docs/testing.md`. */
  readonly page: string;
  /** The line where it begins. */
  readonly line: number;
  /** The first word after the fence, such as `sh`. */
  readonly language: string;
  /** The files of the words `file=PATH` after the fence. */
  readonly files: readonly string[];
  /** The file of the word `from=PATH`: the block is an excerpt of it. */
  readonly source?: string | undefined;
  readonly text: string;
}

/** A command of a `console` block, and the output that the page shows. */
export interface Example {
  readonly command: string;
  readonly output: string;
}

/** Whether README.md is the one of this project. A product has a different README.md, which is not checked. */
export const hasOwnReadme = readFileSync(join(root, 'README.md'), 'utf8').startsWith('# modular-monolith\n');

/** The paths of README.md, AGENTS.md and every page of docs. */
export const pages: readonly string[] = [
  ...(hasOwnReadme ? ['README.md'] : []),
  'AGENTS.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
];

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** Lists the fenced blocks of a page, in order, without the indentation of a list. */
export function listBlocks(page: string): Block[] {
  const text = readPage(page);
  return [...text.matchAll(/^( *)```(\w+)([^\n]*)\n(.*?)^\1```$/gms)].map(
    ([, indent = '', language = '', info = '', block = ''], index, all) => ({
      page,
      line: text.slice(0, all[index]?.index).split('\n').length,
      language,
      files: [...info.matchAll(/file=(\S+)/g)].map(([, file]) => file as string),
      source: /from=(\S+)/.exec(info)?.[1],
      text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );
}

/** Lists the commands of an `sh` block, without comments. */
export function listCommands({ text }: Block): string[] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** Lists the commands of a `console` block, each with its output. */
export function listExamples({ text }: Block): Example[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((example) => {
      const [command = '', ...output] = example.split('\n');
      return { command, output: output.join('\n').trim() };
    });
}

/** Removes points in time from an output, because they differ each time. */
export function normalize(output: string): string {
  return output.trim().replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
}
