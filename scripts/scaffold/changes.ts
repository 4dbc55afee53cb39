/** Changes files of the project, and puts everything back if a step fails or the user stops the command. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../../src/framework/app/arguments.ts';
import { root } from '../lib/command.ts';
import { Steps } from './steps.ts';

/** Files and folders of the project that a command changes. */
export class Changes extends Steps {
  readonly #saved: string;
  readonly #paths: readonly string[];

  /** @param paths every file and folder that may change. They are copied, and may be missing. */
  constructor(paths: readonly string[]) {
    super(root);
    const cache = join(root, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    this.#saved = mkdtempSync(join(cache, 'scaffold-'));
    // A path that is there twice, or in another, would be restored and then removed.
    this.#paths = [...new Set(paths)].filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
    for (const path of this.#paths)
      if (existsSync(join(root, path)))
        cpSync(join(root, path), join(this.#saved, path), { recursive: true, preserveTimestamps: true });
  }

  /** Runs steps. If one throws, or on SIGINT and SIGTERM, all paths are as before. */
  override async run(task: () => Promise<void>): Promise<void> {
    try {
      await super.run(task, () => this.#restore());
    } finally {
      rmSync(this.#saved, { recursive: true, force: true });
    }
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
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

/** Lists the config files of the project. */
export function listConfigs(): string[] {
  return readdirSync(root)
    .filter((path) => /^config.*\.yaml$/.test(path))
    .sort();
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
