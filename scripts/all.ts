/**
 * Starts every app of a config file, each as its own process, and shows their lines in one terminal, each with its
 * app's name. Ctrl-C stops them all; where one fails, all stop. For `./run.sh --all`.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { concurrently } from 'concurrently';
import { ConfigError, readConfig } from '#app/config.ts';
import { loadServices } from '#app/services.ts';

const main = fileURLToPath(new URL('../src/app/main.ts', import.meta.url));
const { values } = parseArgs({ options: { config: { type: 'string', default: 'config.yaml' } } });

try {
  const { apps } = readConfig(values.config, await loadServices(), process.env);
  await startAll(Object.keys(apps));
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}

async function startAll(names: readonly string[]): Promise<void> {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const rest = process.stdout.isTTY ? ' --pretty' : '';
  const { result } = concurrently(
    names.map((name) => ({
      name,
      // exec: a signal is for the server, not for the shell before it.
      command: `exec ${[process.execPath, ...process.execArgv, main, '--config', resolve(values.config), '--app', name].map(quote).join(' ')}${rest}`,
    })),
    {
      prefix: 'name',
      prefixColors: ['auto'],
      killOthersOn: ['failure', 'success'],
      killSignal: 'SIGTERM',
      successCondition: 'all',
      raw: false,
    },
  );
  await result.catch(
    (ended: readonly { command: { name: string }; exitCode: string | number; killed: boolean }[]) => {
      const failed = ended.find(({ killed, exitCode }) => !killed && exitCode !== 0);
      if (failed === undefined) return;
      console.error(`${failed.command.name} ended with ${failed.exitCode}: all apps were stopped`);
      process.exitCode = 1;
    },
  );
}
