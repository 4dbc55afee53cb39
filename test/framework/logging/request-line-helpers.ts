import { type TestContext, vi } from 'vitest';
import { buildApp } from '../../../src/framework/app/app.ts';
import { checkConfig } from '../../../src/framework/config/config.ts';
import { openLogging } from '../../../src/framework/logging/logger.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import user from '../../../src/services/user/index.ts';
import { contract, type LogEntry } from '../../support/app.ts';

/** The product, with its lines kept as they were written. */
export async function startRaw(t: TestContext) {
  const services = new Map([pet, user].map((service) => [service.name, service as Service]));
  const database = 'sqlite::memory:';
  const config = checkConfig(
    {
      // However busy the machine is: this is about lines.
      calls: { deadline: 60_000 },
      services: { pet: { database }, user: { database } },
      apps: { gateway: { port: 0, services: ['pet', 'user'] } },
    },
    services,
    'config.yaml',
  );
  const raw: string[] = [];
  // That the event loop was blocked says something of the machine.
  const isOurs = (line: string) => !line.includes('the event loop was blocked');
  const stream = { write: (line: string) => void (isOurs(line) && raw.push(line)) };
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

/** Waits until the lines hold: a request has its line when its answer has gone, which may be a little later. */
export const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });

/**
 * The lines of a request, also of the calls that it shared with others: such a call has an id of its own, and a
 * line of the caller that has this id, and those of the requests as `reqIds`.
 */
export function linesOf(lines: readonly LogEntry[], id: string): LogEntry[] {
  const calls = lines.filter(({ reqIds }) => (reqIds as string[] | undefined)?.includes(id));
  const ids = new Set([id, ...calls.map(({ reqId }) => reqId)]);
  return lines.filter(({ reqId }) => ids.has(reqId as string));
}

export interface Case {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  /** The service that must have its line; its route, where there is one. */
  readonly service: string;
  readonly route?: string;
  /** Whether the pet service is asked too. */
  readonly asks?: boolean;
}
