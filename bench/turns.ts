/** Servers that run at the same time, of which only one is awake. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contenders.ts';
import type { Data } from './seed.ts';
import type { Server } from './servers.ts';

const settling = 100; // ms

/** Starts them, one after the other, has `use` work with them, and stops them. */
export async function withServers<Outcome>(
  contenders: readonly (readonly [Contender, Data])[],
  use: (servers: readonly Server[]) => Promise<Outcome>,
): Promise<Outcome> {
  const servers: Server[] = [];
  try {
    for (const [contender, data] of contenders) servers.push(await contender.start(data));
    return await use(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Has `server` alone awake while `work` goes on. The others must have been paused. */
export async function awake<Outcome>(server: Server, work: () => Promise<Outcome>): Promise<Outcome> {
  server.resume();
  try {
    return await work();
  } finally {
    // What is in flight ends first: it would be late when the server awakes.
    await sleep(settling);
    server.pause();
  }
}
