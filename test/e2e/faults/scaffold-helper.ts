import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { TestContext } from 'vitest';
import { copyProject } from '../../docs/project.ts';
import { makeFolder } from '../../support/app.ts';
import { startProcess } from '../process/helper.ts';

/** Copies the project, and commits it. */
export function openProject(t: TestContext) {
  const folder = makeFolder(t);
  copyProject(folder);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
  git('init', '--quiet');
  const commit = () => {
    git('add', '--all');
    git('-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message=all');
  };
  commit();
  const run = async (command: 'new' | 'remove' | 'rename' | 'check', ...args: string[]) => {
    const script = [`scripts/${command}.ts`, ...args];
    const running = startProcess(t, process.execPath, script, { cwd: folder });
    const { code } = await running.ended;
    return { code, output: running.output() };
  };
  /** Paths that differ from the commit. */
  const changes = () => git('status', '--porcelain').trim();
  const program = async (command: string, ...args: string[]) => {
    const path = `${dirname(process.execPath)}:${join(folder, 'node_modules/.bin')}:${process.env.PATH}`;
    const running = startProcess(t, command, args, { cwd: folder, env: { PATH: path } });
    return { ...(await running.ended), output: running.output() };
  };
  return { folder, commit, run, git, changes, program, t };
}
