import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { defineService, type Service } from '../service/define-service.ts';

export interface LayoutOptions {
  /** The services to test. */
  readonly services: readonly Service[];
  /**
   * The peers that `services` does not contain, by name. A service runs in a separate app. A URL is that of a server of
   * the test, for example of a server that fails.
   */
  readonly peers?: Readonly<Record<string, Service | string>>;
  /** Whether each service runs in a separate app, behind a gateway without services. */
  readonly split?: boolean;
}

/** An app of the config before its start: the names of its services, or the URL of a server of the test. */
export interface PlacedApp {
  readonly name: string;
  readonly services: readonly string[];
  readonly url?: string;
}

export interface Layout {
  /** Every service, by name. */
  readonly services: ReadonlyMap<string, Service>;
  /** The gateway comes first. */
  readonly apps: readonly PlacedApp[];
}

export const gateway = 'gateway';

/**
 * Assigns the services to apps.
 * @throws {Error} if a service is none, or a peer is missing, has another name, or is in `services` too.
 */
export function layOut({ services, peers = {}, split = false }: LayoutOptions): Layout {
  const wrong = services.findIndex((service) => typeof service?.name !== 'string');
  if (wrong !== -1)
    throw new Error(`services[${wrong}] is not a service: import the default export of its index.ts`);
  const all = new Map(services.map((service) => [service.name, service]));
  const own = services.map(({ name }) => name);
  const apps: PlacedApp[] = split
    ? [{ name: gateway, services: [] }, ...own.map((name) => ({ name, services: [name] }))]
    : [{ name: gateway, services: own }];
  for (const [name, peer] of Object.entries(peers)) {
    if (all.has(name)) throw new Error(`Expected each peer once: ${name} is in services and in peers`);
    const isUrl = typeof peer === 'string';
    if (!isUrl && peer?.name !== name)
      throw new Error(`peers.${name} is not the service ${name}, but ${peer?.name ?? peer}`);
    all.set(name, isUrl ? defineService({ name, description: 'A server of the test.', routes() {} }) : peer);
    apps.push({ name, services: [name], ...(isUrl && { url: peer }) });
  }
  for (const { name, peers: needed = [] } of all.values()) {
    for (const peer of needed as readonly string[]) {
      if (!all.has(peer))
        throw new Error(`Missing ${peer}, a peer of ${name}: add it to services or to peers`);
    }
  }
  return { services: all, apps };
}

/** Orders the apps so that each app follows the apps of its peers. Apps that call each other have any order. */
export function orderByPeers({ services, apps }: Layout): PlacedApp[] {
  const ordered = new Set<PlacedApp>();
  const visited = new Set<PlacedApp>();
  const visit = (app: PlacedApp): void => {
    if (visited.has(app)) return;
    visited.add(app);
    for (const other of findPeerApps(app, { services, apps })) visit(other);
    ordered.add(app);
  };
  const [first, ...others] = apps as [PlacedApp, ...PlacedApp[]];
  for (const app of [...others, first]) visit(app);
  return [...ordered];
}

/** Returns the other apps that an app calls. */
export function findPeerApps(app: PlacedApp, { services, apps }: Layout): PlacedApp[] {
  const peers = app.services.flatMap((name) => (services.get(name)?.peers ?? []) as readonly string[]);
  return apps.filter((other) => other !== app && other.services.some((name) => peers.includes(name)));
}

/**
 * Finds a free port of loopback. It is below the ports that the system chooses itself (from 32768 on Linux), so no other
 * connection takes it before the caller listens.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
