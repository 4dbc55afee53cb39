/**
 * Starts the server and starts it anew when a source or the config changes, contracts generated before each time.
 * The arguments are those of the server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { watch } from 'chokidar';

const args = process.argv.slice(2);
const { values } = parseArgs({ args, strict: false, options: { config: { type: 'string' } } });
const root = fileURLToPath(new URL('..', import.meta.url));
// Not logs/, generated/ and data/, which the server and its start write themselves.
const watched = [resolve(root, 'src'), resolve(String(values.config ?? 'config.yaml'))];

let running: ChildProcess | undefined;
let stopping = false;
let changes = 0;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    stopping = true;
    await stop();
    process.exit(0);
  });
}
watch(watched, { ignoreInitial: true }).on('all', async (_event, path) => {
  changes += 1;
  const latest = changes;
  await new Promise((wake) => setTimeout(wake, 100));
  // An editor that saves ten files is one change.
  if (latest !== changes || stopping) return;
  console.error(`${path} has changed: starting anew`);
  await stop();
  await start();
});
await start();

async function start(): Promise<void> {
  const latest = changes;
  const [code] = await once(run(['scripts/generate.ts']), 'exit');
  if (code !== 0) console.error('waiting for a change');
  else if (latest === changes && !stopping) run(['src/app/main.ts', ...args]);
}

/** Runs it, as the one thing that runs. */
function run(command: string[]): ChildProcess {
  const [script, ...rest] = command as [string, ...string[]];
  running = spawn(process.execPath, [resolve(root, script), ...rest], { stdio: 'inherit' });
  return running;
}

async function stop(): Promise<void> {
  if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
  const ended = once(running, 'exit');
  running.kill('SIGTERM');
  await ended;
}
