import { readFileSync } from 'node:fs';

/** A command of the README, and what it says there that the command prints. */
export interface Example {
  readonly command: string;
  readonly answer: string;
}

export const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The commands of the README's blocks of that kind, in their order: `console`, or `console split` for those of it split. */
export function listExamples(kind = 'console'): Example[] {
  return [...readme.matchAll(/^```(console[^\n]*)\n(.*?)^```$/gms)].flatMap(([, info, block]) =>
    (info === kind ? (block as string) : '')
      .split(/^\$ /m)
      .slice(1)
      .map((example) => {
        const [command, ...answer] = example.split('\n');
        return { command: command as string, answer: answer.join('\n').trim() };
      }),
  );
}

/** An answer without what differs each time: the instants. */
export function normalize(answer: string): string {
  return answer.trim().replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
}
