import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'vitest';
import { readDocument } from '../../framework/events/helper.ts';
import { findFreePort, sendRequest } from '../../support/app.ts';
import { copyProject, root, startProcess, type TestProcess } from './helper.ts';

export type App = 'gateway' | 'both' | 'notes' | 'readers';

/** The services of each app. */
const layouts = {
  'one process': { both: ['note', 'reader'] },
  split: { notes: ['note'], readers: ['reader'] },
  replicas: { gateway: [], notes: ['note'], readers: ['reader'] },
} as const;
export type Layout = keyof typeof layouts;

export interface ProjectOptions {
  readonly layout: Layout;
  /** The URL of the database of a service. The default is a file in the folder `data`. */
  url?(service: string): string;
  readonly instances?: number;
  /** For `event-services.ts`. */
  readonly handlerMs?: number;
  /** Returns the command that runs the command of an app. */
  wrap?(app: App, command: readonly string[], folder: string): readonly string[];
}

export interface StartOptions {
  /** The address of a replica: 127.0.0.1 by default. */
  readonly host?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Modules to load first. */
  readonly imports?: readonly string[];
  /** Listens on another port, which the other apps do not know. */
  readonly isHidden?: boolean;
}

/** A copy of the project whose services are `note` and `reader`. */
export type EventProject = Awaited<ReturnType<typeof createEventProject>>;

export async function createEventProject(t: TestContext, options: ProjectOptions) {
  const { layout, instances = 1, handlerMs = 0, wrap } = options;
  const folder = await copyWithServices(t);
  const url = options.url ?? ((service: string) => `sqlite:data/${service}.db`);
  const apps = Object.entries(layouts[layout]) as unknown as [App, string[]][];
  const ports = await Promise.all(apps.map(findFreePort));
  const portOf = (app: App) => ports[apps.findIndex(([name]) => name === app)] as number;
  const hiddenPort = await findFreePort();
  const hostOf = (app: App) => (layout === 'replicas' ? `${app}.test` : '127.0.0.1');
  const names = join(folder, 'names.json');
  writeFileSync(names, JSON.stringify({ 'notes.test': replicaHosts, 'readers.test': replicaHosts }));
  for (const isHidden of [false, true]) {
    const listed = apps.map(([app, services]) => {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the config has this syntax for variables of the environment
      const place = { host: '${HOST:-127.0.0.1}', port: isHidden ? hiddenPort : portOf(app) };
      return [app, { ...place, url: `http://${hostOf(app)}:${portOf(app)}`, instances, services }];
    });
    const services = Object.fromEntries(['note', 'reader'].map((name) => [name, { database: url(name) }]));
    const limits = { wait: 60_000 };
    const common = {
      services,
      limits,
      calls: { deadline: 10_000 },
      internal: { key: 'a-key-of-sixteen-or-more' },
    };
    writeFileSync(configOf(isHidden), JSON.stringify({ ...common, apps: Object.fromEntries(listed) }));
  }
  function configOf(isHidden: boolean): string {
    return join(folder, isHidden ? 'hidden.yaml' : 'config.yaml');
  }
  const handledFile = join(folder, 'handled');
  const poisonFile = join(folder, 'poison');
  const running = new Map<string, TestProcess>();

  /** Starts an app, and waits until it listens. */
  async function start(
    app: App,
    { host = '127.0.0.1', env = {}, imports = [], isHidden = false }: StartOptions = {},
  ) {
    const loaded = [...imports, join(root, 'test/e2e/process/names.ts')].flatMap((file) => [
      '--import',
      file,
    ]);
    const own = [process.execPath, ...loaded, 'src/main.ts', '--config', configOf(isHidden), '--app', app];
    const [command = '', ...args] = wrap?.(app, own, folder) ?? own;
    const files = { HANDLED_FILE: handledFile, POISON_FILE: poisonFile, TEST_NAMES: names };
    const child = startProcess(t, command, args, {
      cwd: folder,
      env: { HANDLER_MS: String(handlerMs), HOST: host, ...files, ...env },
    });
    running.set(`${app} ${host}`, child);
    await child.waitForOutput(instances > 1 ? /instances share the port/ : /"msg":"listening"/);
  }

  const addressOf = (app: App, host = '127.0.0.1') => `http://${host}:${portOf(app)}`;
  const [first] = apps as [[App, string[]], ...unknown[]];
  const appOf = (service: string) => apps.find(([, services]) => services.includes(service))?.[0] as App;
  return {
    ...{ folder, start, poisonFile, addressOf, hiddenUrl: `http://127.0.0.1:${hiddenPort}` },
    apps: apps.map(([app]) => app),
    process: (app: App, host = '127.0.0.1') => running.get(`${app} ${host}`) as TestProcess,
    async end(app: App, signal: NodeJS.Signals, host = '127.0.0.1'): Promise<void> {
      const child = running.get(`${app} ${host}`) as TestProcess;
      child.child.kill(signal);
      await child.ended;
    },
    /** Resolves with the status of the response; 0 if there was none. */
    addNotes: (subject: string, texts: readonly string[], address?: string) =>
      sendRequest(
        `${address ?? addressOf(layout === 'replicas' ? first[0] : appOf('note'))}/note/notes/`,
        'POST',
        {
          subject,
          texts,
        },
      ).then(
        ({ status }) => status,
        () => 0,
      ),
    listEffects: async () =>
      (await sendRequest(`${addressOf(appOf('reader'))}/reader/effects/`, 'GET')).body as string[],
    /** Lists the runs of the handler, as the process and the text of the event. */
    listHandled: () =>
      existsSync(handledFile)
        ? readFileSync(handledFile, 'utf8')
            .trimEnd()
            .split('\n')
            .map((line) => line.split(' ') as [pid: string, text: string])
        : [],
    /** Runs `./run.sh events`, and returns its output. */
    async run(...args: string[]): Promise<string> {
      const command = startProcess(t, './run.sh', ['events', ...args], { cwd: folder });
      const { code } = await command.ended;
      if (code !== 0) throw new Error(`./run.sh events ${args.join(' ')}: ${command.output()}`);
      return command.output();
    },
  };
}

export const replicaHosts = ['127.0.0.1', '127.0.0.2'] as const;

async function copyWithServices(t: TestContext): Promise<string> {
  const folder = copyProject(t);
  const services = 'test/e2e/process/event-services.ts';
  for (const path of [services, 'test/framework/events/services.ts', 'test/fixtures/effects']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  const entries = ['note', 'reader'].map((name) => {
    return `${name}: async () => ({ default: (await import('../${services}')).${name} }),`;
  });
  writeFileSync(join(folder, 'generated/services.ts'), `export const services = { ${entries.join(' ')} };\n`);
  writeFileSync(join(folder, 'generated/openapi.json'), JSON.stringify(await readDocument(t)));
  return folder;
}
