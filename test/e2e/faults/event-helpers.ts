import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { waitFor } from '../groupings/helper.ts';
import type { EventProject } from '../process/event-project.ts';

export interface EventLoad {
  /** The texts of acknowledged notes of each client, in their order. */
  readonly acknowledged: readonly (readonly string[])[];
  /** How often each status was seen; 0 without a response. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Resolves when this many more writes are acknowledged. */
  goesOn(count: number): Promise<void>;
  stop(): Promise<void>;
}

export interface EventLoadOptions {
  readonly clients?: number;
  /** The pause of each client between two writes, in ms. */
  readonly pauseMs?: number;
}

/** Writes notes until it is stopped, two events in each write. */
export function startEventLoad(
  { addNotes }: EventProject,
  { clients = 1, pauseMs = 10 }: EventLoadOptions = {},
): EventLoad {
  const acknowledged: string[][] = Array.from({ length: clients }, () => []);
  const statuses = new Map<number, number>();
  let isOver = false;
  const running = acknowledged.map(async (own, client) => {
    for (let index = 0; !isOver; index += 1) {
      const texts = ['a', 'b'].map((name) => `${client}:${index}${name}`);
      const status = await addNotes(`subject-${client}`, texts);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 200) own.push(...texts);
      await sleep(pauseMs);
    }
  });
  return {
    acknowledged,
    statuses,
    async goesOn(count) {
      const end = (statuses.get(200) ?? 0) + count;
      await waitFor(() => (statuses.get(200) ?? 0) >= end);
    },
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}

/**
 * Waits until the reader has caught up, and expects one effect for each acknowledged event, in the order of its client.
 * An event that was not acknowledged may be there too, also once.
 * @returns the numbers of the run, for the log of the test.
 */
export async function expectOnce(
  { listEffects, listHandled }: EventProject,
  { acknowledged }: Pick<EventLoad, 'acknowledged'>,
) {
  const known = new Set(acknowledged.flat());
  const lastOnes = acknowledged.flatMap((own) => own.at(-1) ?? []);
  let effects: string[] = [];
  let progressAt = Date.now();
  // While the reader makes progress, it has time.
  await expect
    .poll(
      async () => {
        const before = effects.length;
        effects = await listEffects().catch(() => effects);
        if (effects.length > before) progressAt = Date.now();
        return lastOnes.every((last) => effects.includes(last as string)) || Date.now() - progressAt > 60_000;
      },
      { timeout: 900_000, interval: 500 },
    )
    .toBe(true);
  const seen = new Set(effects);
  const lost = [...known].filter((text) => !seen.has(text));
  const handled = listHandled().length;
  const numbers = {
    acknowledged: known.size,
    lost: lost.length,
    twice: effects.length - seen.size,
    unacknowledged: effects.filter((text) => !known.has(text)).length,
    'handlers ran again': handled - new Set(listHandled().map(([, text]) => text)).size,
  };
  expect(numbers).toMatchObject({ lost: 0, twice: 0 });
  for (const [client, own] of acknowledged.entries()) {
    const prefix = `${client}:`;
    expect(effects.filter((text) => text.startsWith(prefix) && known.has(text))).toEqual(own);
  }
  return numbers;
}

/** Expects that no two processes handled events at the same time: the runs of each process are together. */
export function expectOneConsumerAtATime({ listHandled }: EventProject): void {
  const turns = listHandled()
    .map(([pid]) => pid)
    .filter((pid, index, all) => pid !== all[index - 1]);
  expect(turns.length, 'processes that handled events again after another one did').toBe(new Set(turns).size);
}
