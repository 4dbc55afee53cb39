/** Starts every app of a config file, each in a separate process: see --help. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { readArguments } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { readConfig } from '../src/framework/config/config.ts';
import { openStandardOutput } from '../src/framework/logging/console.ts';
import { createLineBuffer } from '../src/framework/logging/line-buffer.ts';
import { root } from './lib/command.ts';
import { runServiceCommand } from './lib/service-command.ts';

const help = `Usage: ./run.sh --all [--config FILE]

Starts every app of the config file, each in a separate process, and shows
their output in one terminal. If an app ends, the command prints its name and
starts it again. The other apps keep running. Ctrl-C stops all of them.

  --config FILE   the config file (config.yaml)
  --help          this text
`;

/** The pause before an app restarts, in ms. It doubles with each failure. An app that ran for `stable` ms resets it. */
const pauses = { first: 1_000, max: 30_000, stable: 60_000 };
const colors = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'] as const;

const running = new Set<ChildProcess>();
const lines = createLineBuffer([openStandardOutput()]);
let isStopping = false;

await runServiceCommand(async () => {
  const { values } = readArguments({ config: { type: 'string', default: 'config.yaml' } });
  if (values.help) return console.log(help);
  const { apps } = readConfig(values.config, await loadServices(), process.env);
  process.on('exit', lines.flushSync);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopAll(0));
  const names = Object.keys(apps);
  const width = Math.max(...names.map((name) => name.length));
  for (const [index, name] of names.entries()) {
    const prefix = `[${name}]`.padEnd(width + 2);
    const color = colors[index % colors.length] as (typeof colors)[number];
    void keepRunning(name, values.config, isatty(1) ? styleText(color, prefix) : prefix);
  }
});

/** Runs an app, and restarts it when it ends, until all apps stop. */
async function keepRunning(name: string, config: string, prefix: string): Promise<void> {
  let hasListened = false;
  let failures = 0;
  for (;;) {
    const since = performance.now();
    const child = start(name, config, prefix);
    child.once('message', () => {
      hasListened = true;
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    running.delete(child);
    if (isStopping) return;
    const reason = `${name} ended with ${signal ?? code}`;
    if (!hasListened) {
      lines.write(`${prefix} ${reason} before it listened: all apps are stopped\n`);
      return stopAll(code === 2 ? 2 : 1);
    }
    if (performance.now() - since >= pauses.stable) failures = 0;
    const pause = Math.min(pauses.first * 2 ** failures, pauses.max);
    failures += 1;
    lines.write(`${prefix} ${reason}: it starts again in ${pause / 1000} s\n`);
    await sleep(pause);
    if (isStopping) return;
  }
}

function start(name: string, config: string, prefix: string): ChildProcess {
  const args = ['src/main.ts', '--config', resolve(config), '--app', name];
  const child = spawn(process.execPath, [...process.execArgv, ...args, ...(isatty(1) ? ['--pretty'] : [])], {
    cwd: root,
    // A separate process group: Ctrl-C then reaches only this process, which stops the apps.
    detached: true,
    // The app stops when the channel closes, so also when this process is killed.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, MONOLITH_TIED: '1' },
  });
  running.add(child);
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null)
      createInterface({ input: stream }).on('line', (line) => lines.write(`${prefix} ${line}\n`));
  return child;
}

/** Stops every app, and this process with `code`. A second call kills them. */
async function stopAll(code: number): Promise<void> {
  if (isStopping) {
    for (const child of running) child.kill('SIGKILL');
    process.exit(1);
  }
  isStopping = true;
  await Promise.all(
    [...running].map(async (child) => {
      child.kill('SIGTERM');
      await once(child, 'close');
    }),
  );
  process.exit(code);
}
