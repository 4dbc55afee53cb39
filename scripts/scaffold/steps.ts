/** Runs programs one after another, until one fails or the user stops the command. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { CommandError } from '../lib/command.ts';

export class Steps {
  readonly #folder: string;
  readonly #running = new Set<ReturnType<typeof spawn>>();
  #isStopped = false;

  /** @param folder the folder of the project that the programs run in. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs a task. SIGINT and SIGTERM end its programs. @param undo called if the task throws or is stopped. */
  async run(task: () => Promise<void>, undo: () => void): Promise<void> {
    const stop = () => {
      this.#isStopped = true;
      for (const child of this.#running) child.kill();
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    try {
      await task();
      this.#expectRunning();
    } catch (error) {
      undo();
      throw error;
    } finally {
      process.off('SIGINT', stop).off('SIGTERM', stop);
    }
  }

  /**
   * Runs a program of the project. Prints its output only if it fails.
   * @param title what the program does, for the message.
   * @throws {CommandError} with its output.
   */
  async step(title: string, command: string, ...args: string[]): Promise<void> {
    this.#expectRunning();
    console.error(`${title} …`);
    const programs = join(this.#folder, 'node_modules/.bin');
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${programs}:${process.env.PATH}` };
    const child = spawn(command, args, { cwd: this.#folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.add(child);
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => output.push(chunk));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve);
    });
    this.#running.delete(child);
    this.#expectRunning();
    if (code !== 0) throw new CommandError(`${Buffer.concat(output)}\nFailed: ${title}. Nothing has changed`);
  }

  /** Waits for all steps to end, also if one fails: until then they read the files. */
  async all(steps: readonly Promise<void>[]): Promise<void> {
    const failed = (await Promise.allSettled(steps)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  #expectRunning(): void {
    if (this.#isStopped) throw new CommandError('Stopped: nothing has changed');
  }
}
