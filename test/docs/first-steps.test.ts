import { test } from 'vitest';
import { listBlocks } from './blocks.ts';
import { openProjectSession } from './project.ts';

test('every step of the page about first steps works', { timeout: 1_200_000 }, async (t) => {
  // test/e2e/faults/project.test.ts runs the command that writes a folder beside the project.
  const isLeftOut = (command: string) => command.startsWith('./run.sh new project ');
  const session = await openProjectSession(t, { isLeftOut });
  for (const block of listBlocks('docs/first-steps.md')) await session.work(block);
  await session.stop();
});
