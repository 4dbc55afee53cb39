import type { TestContext } from 'vitest';
import pet from '../../src/services/pet/index.ts';
import {
  createExampleApp,
  createTestApp,
  type ExampleAppOptions,
  type LogEntry,
  type TestApp,
} from './app.ts';
import { describeSplit } from './rogue.ts';

/** The place of the pet service: the gateway, or an app to which the gateway forwards. */
export const places = ['in the same app', 'in a separate app'] as const;
export type Place = (typeof places)[number];

/** The gateway of the example services. */
export interface PlacedExampleApp extends TestApp {
  /** Returns the log entries of every app so far, as they were written. */
  everyRawLog(): string[];
  /** Returns the log entries of every app so far. */
  everyLog(): LogEntry[];
}

/** Starts the example services with the pet service in one of two places. */
export async function createExampleAppAt(
  t: TestContext,
  place: Place,
  options: ExampleAppOptions = {},
): Promise<PlacedExampleApp> {
  const apps: TestApp[] = [];
  const common = { calls: { deadline: 10_000 }, ...options.config };
  if (place === 'in the same app') apps.push(await createExampleApp(t, { ...options, config: common }));
  else {
    const pets = await createTestApp(t, { ...options, services: [pet], config: options.config ?? {} });
    const split = describeSplit(Number(new URL(pets.url).port));
    apps.push(await createExampleApp(t, { ...options, config: { ...common, apps: split } }), pets);
  }
  return {
    ...(apps[0] as TestApp),
    everyRawLog: () => apps.flatMap(({ rawLogs }) => rawLogs),
    everyLog: () => apps.flatMap(({ logs }) => logs),
  };
}

export const isAccess = ({ msg }: LogEntry) => msg === 'request';

/** Lists the requests that got a complete response: the method, path and status of each, sorted. */
export function listResponses(entries: readonly LogEntry[]): string[] {
  return entries
    .filter((entry) => isAccess(entry) && !entry.aborted)
    .map(({ method, path, status }) => `${method} ${path} ${status}`)
    .sort();
}
