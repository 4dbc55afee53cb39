import { test } from 'vitest';
import { listBlocks } from './blocks.ts';
import { openProjectSession } from './project.ts';

test('every step of the page about first steps works', { timeout: 300_000 }, async (t) => {
  const session = await openProjectSession(t);
  for (const block of listBlocks('docs/first-steps.md')) await session.work(block);
  await session.stop();
});
