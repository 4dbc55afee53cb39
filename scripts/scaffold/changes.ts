/** Changes files of the project, and puts everything back if a step fails or the user stops the command. */
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../../src/framework/app/arguments.ts';
import { CommandError, root } from '../lib/command.ts';

/** Files and folders of the project that a command changes. */
export class Changes {
  readonly #saved: string;
  readonly #paths: readonly string[];
  readonly #running = new Set<ReturnType<typeof spawn>>();
  #isStopped = false;

  /** @param paths every file and folder that may change. They are copied, and may be missing. */
  constructor(paths: readonly string[]) {
    const cache = join(root, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    this.#saved = mkdtempSync(join(cache, 'scaffold-'));
    this.#paths = paths;
    for (const path of paths)
      if (existsSync(join(root, path)))
        cpSync(join(root, path), join(this.#saved, path), { recursive: true, preserveTimestamps: true });
  }

  /** Runs steps. If one throws, or on SIGINT and SIGTERM, all paths are as before. */
  async run(steps: () => Promise<void>): Promise<void> {
    const stop = () => {
      this.#isStopped = true;
      for (const child of this.#running) child.kill();
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    try {
      await steps();
      if (this.#isStopped) throw new CommandError('Stopped: nothing has changed');
    } catch (error) {
      this.#restore();
      throw error;
    } finally {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      rmSync(this.#saved, { recursive: true, force: true });
    }
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  /**
   * Runs a program of the project. Its output is only for the case that it fails.
   * @param title what the program does, for the message.
   * @throws {CommandError} with its output.
   */
  async step(title: string, command: string, ...args: string[]): Promise<void> {
    if (this.#isStopped) throw new CommandError('Stopped: nothing has changed');
    console.error(`${title} …`);
    const env = {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${root}node_modules/.bin:${process.env.PATH}`,
    };
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.add(child);
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => output.push(chunk));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve);
    });
    this.#running.delete(child);
    if (this.#isStopped) throw new CommandError('Stopped: nothing has changed');
    if (code !== 0) throw new CommandError(`${Buffer.concat(output)}\nFailed: ${title}. Nothing has changed`);
  }

  /** Waits for all steps to end, also if one fails: until then they read the files. */
  async all(steps: readonly Promise<void>[]): Promise<void> {
    const failed = (await Promise.allSettled(steps)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  #restore(): void {
    for (const path of this.#paths) {
      rmSync(join(root, path), { recursive: true, force: true });
      if (!existsSync(join(this.#saved, path))) continue;
      mkdirSync(dirname(join(root, path)), { recursive: true });
      renameSync(join(this.#saved, path), join(root, path));
    }
  }
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}

/**
 * Checks that git has the content of files that a command changes, so that the change is easy to see and to undo. A
 * project without git is not checked.
 * @throws {UsageError}
 */
export function expectCommitted(
  paths: readonly string[],
  accepts: (state: string) => boolean = () => false,
): void {
  const { status, stdout } = spawnSync('git', ['status', '--porcelain', '-z', '--', ...paths], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) return;
  const changed = stdout.split('\0').find((line) => line !== '' && !accepts(line.slice(0, 2)));
  if (changed !== undefined)
    throw new UsageError(
      `${changed.slice(3)} has changes that are not committed: commit or stash them first`,
    );
}
