import type { TestContext } from 'vitest';
import { buildApp } from '../../../src/framework/app/app.ts';
import { checkConfig } from '../../../src/framework/config/config.ts';
import { openLogging } from '../../../src/framework/logging/logger.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import user from '../../../src/services/user/index.ts';
import { contract, type LogEntry } from '../../support/app.ts';

/** Starts the product. Keeps each log entry as the text that was written. */
export async function startRaw(t: TestContext) {
  const services = new Map([pet, user].map((service) => [service.name, service as Service]));
  const database = 'sqlite::memory:';
  const config = checkConfig(
    {
      // The tests are about log entries, so no call may time out on a busy machine.
      calls: { deadline: 60_000 },
      services: { pet: { database }, user: { database } },
      apps: { gateway: { port: 0, services: ['pet', 'user'] } },
    },
    services,
    'config.yaml',
  );
  const raw: string[] = [];
  // A block of the event loop depends on the machine.
  const isTested = (line: string) => !line.includes('the event loop was blocked');
  const stream = { write: (line: string) => void (isTested(line) && raw.push(line)) };
  const logging = await openLogging({ level: 'trace', console: 'none', streams: [stream] });
  const app = await buildApp({
    config,
    name: 'gateway',
    services,
    logging,
    version: '0.0.0',
    contract: contract as unknown as OpenApiDocument,
  });
  const url = await app.listen();
  t.onTestFinished(() => app.stop());
  return { url, raw };
}

export const isAccess = ({ msg }: LogEntry) => msg === 'request';

/** Resolves when `check` passes: a request is logged a little after its response is sent. Rejects after 5 s. */
/**
 * Returns the entries of a request, including those of shared calls. A shared call has a separate id. One entry of the
 * caller has that id as `reqId`, and the ids of the requests as `reqIds`.
 */
export function entriesOf(entries: readonly LogEntry[], id: string): LogEntry[] {
  const calls = entries.filter(({ reqIds }) => (reqIds as string[] | undefined)?.includes(id));
  const ids = new Set([id, ...calls.map(({ reqId }) => reqId)]);
  return entries.filter(({ reqId }) => ids.has(reqId as string));
}

export interface Case {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  /** The service that must log the request. */
  readonly service: string;
  /** Absent if no route matches. */
  readonly route?: string;
  /** Whether the user service calls the pet service for it. */
  readonly callsPet?: boolean;
}
