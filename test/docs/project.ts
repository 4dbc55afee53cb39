import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'vitest';
import { root } from '../e2e/process/helper.ts';
import { findFreePort, makeFolder } from '../support/app.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';

/** The ports on the pages. */
const documentedPorts = [8000, 8001, 8002, 8003];

export interface ProjectSessionOptions extends Pick<SessionOptions, 'isLeftOut' | 'onCommand'> {
  /** Environment variables to add to those of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whether `generated/` is up to date, so that the first command does not generate. */
  readonly isGenerated?: boolean;
}

/** Opens a session in a copy of the project, on free ports, with the dependencies of this project. */
export async function openProjectSession(
  t: TestContext,
  { env, isGenerated, ...options }: ProjectSessionOptions = {},
): Promise<Session & { readonly folder: string }> {
  const folder = makeFolder(t);
  copyProject(folder);
  const ports = new Map<number, number>();
  for (const port of documentedPorts) ports.set(port, await findFreePort());
  for (const name of readdirSync(folder).filter((name) => /^config.*\.yaml$/.test(name))) {
    const text = readFileSync(join(folder, name), 'utf8');
    const used = text.replace(/\b800[0-3]\b/g, (port) => String(ports.get(Number(port))));
    writeFileSync(join(folder, name), used);
  }
  if (isGenerated) writeFileSync(join(folder, 'node_modules/.generated'), '');
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const session = openSession({ ...options, folder, ports, env: { ...process.env, ...env, PATH: path } });
  t.onTestFinished(() => session.kill());
  return { ...session, folder };
}

/** Copies all files that are in git or would be added, with links to the dependencies of this project. */
export function copyProject(folder: string): void {
  const listed = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const name of listed.split('\0').filter((name) => existsSync(join(root, name)) && name !== ''))
    cpSync(join(root, name), join(folder, name), { recursive: true });
  linkPackages(folder);
}

/** Links the dependencies of this project into another, as if `run.sh` had installed them there. */
export function linkPackages(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  // These files of run.sh are different in each copy.
  const kept = ['.cache', '.generated', '.installed', '.node', '.node-path'];
  for (const name of readdirSync(join(root, 'node_modules')).filter((name) => !kept.includes(name)))
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  writeFileSync(join(modules, '.node-path'), process.execPath);
  cpSync(join(folder, 'package-lock.json'), join(modules, '.installed'));
}
