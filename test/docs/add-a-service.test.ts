import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { listBlocks } from './blocks.ts';
import { openProjectSession } from './project.ts';

test('the page about adding a service works from its first step to its last', {
  timeout: 600_000,
}, async (t) => {
  const session = await openProjectSession(t);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: session.folder });
  git('init', '--quiet');
  git('add', '--all');
  git('-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message=start');
  for (const block of listBlocks('docs/add-a-service.md')) await session.work(block);
  await session.stop();
  expect(String(git('status', '--porcelain'))).toBe('');
});
