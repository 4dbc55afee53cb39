/** Runs servers at the same time, of which all but one are suspended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contenders.ts';
import type { Data } from './seed.ts';
import type { Server } from './servers.ts';

const settling = 100; // ms

/** Starts servers one after another, runs `use` with them, and stops them. */
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

/** Resumes one server while `work` runs. The others must be suspended. */
export async function awake<Outcome>(server: Server, work: () => Promise<Outcome>): Promise<Outcome> {
  server.resume();
  try {
    return await work();
  } finally {
    // Requests in flight end first, because they would be late when the server resumes.
    await sleep(settling);
    server.pause();
  }
}
