import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type App, buildApp } from '../app/app.ts';
import { checkConfig } from '../config/config.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import { type CapturedLog, captureLog, printWarnings } from './captured-log.ts';
import {
  findFreePort,
  findPeerApps,
  gateway,
  type Layout,
  type LayoutOptions,
  layOut,
  orderByPeers,
  type PlacedApp,
} from './layout.ts';
import { sendRequest, type TestResponse } from './send-request.ts';

/** The part of vitest's `TestContext` that the framework needs. */
export interface TestLifetime {
  onTestFinished(stop: () => Promise<void> | void): void;
  onTestFailed?(print: () => void): void;
}

export interface TestAppOptions extends LayoutOptions {
  /** Parts of the config file. Each service has a database in memory unless `services.<name>.database` says otherwise. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The merged OpenAPI document for calls. Default: `generated/openapi.json`. */
  readonly contract?: OpenApiDocument;
  /** The app to start, if `config.apps` describes several. Default: the first app. */
  readonly app?: string;
}

/** An app in the process of the test, on a free port of loopback. It stops when the test ends. */
export interface TestApp extends CapturedLog {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly app: App;
  /** Resolves when all apps of the test have handled every event that was emitted so far. */
  untilEventsHandled(): Promise<void>;
  /** Sends a request, with a JSON body if `body` is defined, and reads the response. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  get(path: string, headers?: Record<string, string>): Promise<TestResponse>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  put(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  patch(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  delete(path: string, headers?: Record<string, string>): Promise<TestResponse>;
}

/** Apps that call each other over loopback, as separate processes do. */
export interface SplitApps {
  readonly gateway: TestApp;
  /** Returns the app that runs a service. */
  appOf(service: string): TestApp;
}

/**
 * Starts the services of a test behind a gateway: in one app, or with `split` each in a separate app. They stop when
 * the test ends. If it fails, their warnings and errors are printed.
 * @throws {Error} if a peer is missing; or as the start of the app does.
 */
export async function createTestApp(t: TestLifetime, options: TestAppOptions): Promise<TestApp> {
  return (await startApps(t, layOut(options), options)).gateway;
}

/** Starts each service of a test in a separate app, behind a gateway. */
export function createSplitApps(t: TestLifetime, options: TestAppOptions): Promise<SplitApps> {
  return startApps(t, layOut({ ...options, split: true }), options);
}

async function startApps(t: TestLifetime, layout: Layout, options: TestAppOptions): Promise<SplitApps> {
  if (options.config?.apps !== undefined) {
    const app = await startApp(t, layout, options, options.config.apps as Apps, []);
    return { gateway: app, appOf: () => app };
  }
  const started = new Map<string, TestApp>();
  const ports = new Map<string, number>();
  const all: App[] = [];
  for (const app of orderByPeers(layout)) {
    if (app.url !== undefined) continue;
    // Peers that have not started yet call this app too. They get a fixed port.
    for (const { name, url } of findPeerApps(app, layout)) {
      if (url === undefined && !ports.has(name)) ports.set(name, await findFreePort());
    }
    const apps = describeApps(layout, ports, app);
    const one = await startApp(t, layout, { ...options, app: app.name }, apps, all);
    ports.set(app.name, Number(new URL(one.url).port));
    for (const name of [app.name, ...app.services]) started.set(name, one);
  }
  const appOf = (service: string): TestApp => {
    const app = started.get(service);
    if (app === undefined)
      throw new Error(`Unknown service ${service}: the apps run ${[...started.keys()].join(', ')}`);
    return app;
  };
  return { gateway: appOf(gateway), appOf };
}

type Apps = Readonly<Record<string, object>>;

/** Describes the apps in the config of `started`. Apps without a port yet get port 1: `started` does not call them. */
function describeApps({ apps }: Layout, ports: ReadonlyMap<string, number>, started: PlacedApp): Apps {
  const describe = ({ name, services, url }: PlacedApp): object => {
    const port = ports.get(name) ?? (name === started.name ? 0 : 1);
    return { services, port, url: url ?? `http://127.0.0.1:${port || 1}` };
  };
  return apps.length === 1
    ? { [gateway]: { port: 0, services: started.services } }
    : Object.fromEntries(apps.map((app) => [app.name, describe(app)]));
}

async function startApp(
  t: TestLifetime,
  { services }: Layout,
  options: TestAppOptions,
  apps: Apps,
  all: App[],
): Promise<TestApp> {
  const given = { ...options.config } as Record<string, Record<string, object> | undefined>;
  const serviceConfigs = [...services].map(([name, { migrations }]) => [
    name,
    { ...(migrations && { database: testDatabase() }), ...given.services?.[name] },
  ]);
  const config = checkConfig(
    {
      ...given,
      services: Object.fromEntries(serviceConfigs),
      apps,
      // Generous limits: a busy machine must not cause timeouts.
      limits: { wait: 60_000, ...given.limits },
      calls: { deadline: 20_000, ...given.calls },
    },
    services,
    'config.yaml',
  );
  const { logging, ...log } = await captureLog(config.log.level);
  // Absent for a server that several tests share.
  t.onTestFailed?.(() => printWarnings(log.allLogs));
  const app = await buildApp({
    config,
    name: options.app ?? (Object.keys(apps)[0] as string),
    services,
    logging,
    version: '0.0.0',
    contract: options.contract ?? readContract(),
  });
  const url = await app.listen();
  all.push(app);
  const untilEventsHandled = async () => {
    await Promise.all(all.map((one) => one.untilEventsHandled()));
  };
  t.onTestFinished(() => app.stop());
  return { app, url, untilEventsHandled, ...log, ...createRequests(url) };
}

function createRequests(url: string): Pick<TestApp, 'send' | 'get' | 'post' | 'put' | 'patch' | 'delete'> {
  const send: TestApp['send'] = (method, path, body, headers) =>
    sendRequest(`${url}${path}`, method, body, headers);
  return {
    send,
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    put: (path, body, headers) => send('PUT', path, body, headers),
    patch: (path, body, headers) => send('PATCH', path, body, headers),
    delete: (path, headers) => send('DELETE', path, undefined, headers),
  };
}

let contract: OpenApiDocument | undefined;

function readContract(): OpenApiDocument {
  const file = new URL('../../../generated/openapi.json', import.meta.url);
  contract ??= JSON.parse(readFileSync(file, 'utf8')) as OpenApiDocument;
  return contract;
}

/** Returns the URL of a new database: in memory, or a schema of the server that TEST_POSTGRES names. */
function testDatabase(): string {
  const server = process.env.TEST_POSTGRES;
  return server === undefined ? 'sqlite::memory:' : `${server}?schema=t${randomUUID().replaceAll('-', '')}`;
}
