/** Starts the server, and restarts it when a source or the config changes: see --help. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { watch } from 'chokidar';
import { readArguments } from '../src/framework/app/arguments.ts';
import { root, runCommand } from './lib/command.ts';

const help = `Usage: ./run.sh dev [--config FILE] [--app NAME] [--pretty]

Starts the server. When a file in src/ or the config changes, generates the
contracts and restarts the server. Ctrl-C stops it.

  --config FILE   the config file (config.yaml)
  --app NAME      the app of the config file to start (its first one)
  --pretty        readable log lines, even if the console is not a terminal
  --help          this text
`;

const args = process.argv.slice(2);
let running: ChildProcess | undefined;
let isStopping = false;
let changes = 0;

await runCommand(async () => {
  const { values } = readArguments({
    config: { type: 'string', default: 'config.yaml' },
    app: { type: 'string' },
    pretty: { type: 'boolean', default: false },
  });
  if (values.help) return console.log(help);
  stopOnSignals();
  // Not logs/, generated/ and data/, because the server and `generate` write them.
  watch([resolve(root, 'src'), resolve(values.config)], { ignoreInitial: true }).on('all', restart);
  await start();
});

function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, async () => {
      isStopping = true;
      // A terminal also sends SIGINT to the server. The server treats both as one signal.
      await stop(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
      process.exit(0);
    });
  }
}

async function restart(_event: string, path: string): Promise<void> {
  changes += 1;
  const latest = changes;
  await new Promise((wake) => setTimeout(wake, 100));
  // An editor may save several files together: restart only after the last change.
  if (latest !== changes || isStopping) return;
  console.error(`${path} has changed: restarting`);
  await stop();
  await start();
}

async function start(): Promise<void> {
  const latest = changes;
  const [code] = await once(run(['scripts/generate.ts']), 'exit');
  if (code !== 0) console.error('waiting for a change');
  else if (latest === changes && !isStopping) run(['src/main.ts', ...args]);
}

/** Runs a script. No other script runs meanwhile. */
function run(command: string[]): ChildProcess {
  const [script, ...rest] = command as [string, ...string[]];
  running = spawn(process.execPath, [resolve(root, script), ...rest], {
    // The server stops when the channel closes, so also when this process is killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, MONOLITH_TIED: '1' },
  });
  return running;
}

async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
  const ended = once(running, 'exit');
  running.kill(signal);
  await ended;
}
