import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'vitest';

/** A host: a network namespace with an address on the bridge. */
export interface Namespace {
  readonly name: string;
  readonly address: string;
  /** Cuts the host off, as if its cable was pulled: packets are dropped without a message. */
  setLink(state: 'up' | 'down'): void;
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Creates hosts on one bridge, each with `names` in its /etc/hosts. Returns undefined where that is not permitted. */
export function createNamespaces(
  t: TestContext,
  count: number,
  names: (addresses: readonly string[]) => string,
): { readonly bridge: string; readonly hosts: Namespace[] } | undefined {
  const id = `mm${process.pid % 100_000}`;
  const subnet = `10.${77 + (process.pid % 100)}.0`;
  const remove = () => {
    for (let index = 1; index <= count; index += 1) {
      spawnSync('ip', ['netns', 'del', `${id}-${index}`]);
      rmSync(`/etc/netns/${id}-${index}`, { recursive: true, force: true });
    }
    spawnSync('ip', ['link', 'del', id]);
  };
  try {
    ip('link', 'add', id, 'type', 'bridge');
    ip('addr', 'add', `${subnet}.1/24`, 'dev', id);
    ip('link', 'set', id, 'up');
    const hosts = Array.from({ length: count }, (_, index): Namespace => {
      const name = `${id}-${index + 1}`;
      const link = `${id}v${index + 1}`;
      const address = `${subnet}.${10 + index}`;
      ip('netns', 'add', name);
      ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      ip('link', 'set', link, 'master', id, 'up');
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
      return { name, address, setLink: (state) => ip('link', 'set', link, state) };
    });
    const text = `127.0.0.1 localhost\n${names(hosts.map(({ address }) => address))}\n`;
    for (const { name } of hosts) {
      mkdirSync(`/etc/netns/${name}`, { recursive: true });
      // `ip netns exec` mounts it over /etc/hosts.
      writeFileSync(`/etc/netns/${name}/hosts`, text);
    }
    t.onTestFinished(remove);
    return { bridge: `${subnet}.1`, hosts };
  } catch {
    remove();
    return undefined;
  }
}

/** Passes connections to a port of the bridge, by default a free one, on to a server on loopback. Returns the port. */
export async function relay(t: TestContext, host: string, port: number, bridgePort = 0): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from
        .on('error', () => {})
        .once('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      from.pipe(to);
    }
  }).listen(bridgePort, host);
  await once(server, 'listening');
  t.onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as { port: number }).port;
}
