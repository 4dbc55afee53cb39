import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TObject } from '@sinclair/typebox';
import type { TestContext } from 'vitest';
import contract from '../../generated/openapi.json' with { type: 'json' };
import { type App, buildApp } from '../../src/framework/app/app.ts';
import { checkConfig } from '../../src/framework/config/config.ts';
import { type Level, type Logging, openLogging } from '../../src/framework/logging/logger.ts';
import type { OpenApiDocument } from '../../src/framework/openapi/response-contract.ts';
import type { Service } from '../../src/framework/service/define-service.ts';
import pet from '../../src/services/pet/index.ts';
import user from '../../src/services/user/index.ts';
import type { Wire } from './raw.ts';

export { contract };

/** A line of the log, parsed. */
export interface Line {
  readonly level: string;
  readonly service: string;
  readonly reqId?: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface BuildOptions {
  /** The services to run; pet and user. */
  readonly services?: readonly Service<TObject>[];
  /** What the config says beside the services' databases. */
  readonly config?: Record<string, unknown>;
  /** By service: what the config says of it; a database in memory where it needs one. */
  readonly serviceConfigs?: Record<string, Record<string, unknown>>;
  readonly contract?: OpenApiDocument;
  /** Which app of the config it is; the gateway. */
  readonly name?: string;
  readonly level?: Level;
}

export interface Built {
  readonly app: App;
  readonly url: string;
  /** What has been logged so far. */
  readonly lines: Line[];
  /** The same, as they were written. */
  readonly raw: string[];
  /** Every line, also those that the test has cleared, and those about the machine. */
  readonly all: readonly Line[];
  /** Sends JSON where there is a body; the answer comes with its body read: JSON where it is JSON, else text. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Wire['body'];
}

/** The whole product on a free port of loopback and databases in memory; it stops itself when the test ends. */
export async function build(t: TestContext, options: BuildOptions = {}): Promise<Built> {
  const services = new Map(
    (options.services ?? [pet, user]).map((service) => [service.name, service as Service]),
  );
  const lines: Line[] = [];
  const raw: string[] = [];
  const config = checkConfig(
    {
      services: Object.fromEntries(
        [...services].map(([name, { migrations }]) => [
          name,
          { ...(migrations && { database: 'sqlite::memory:' }), ...options.serviceConfigs?.[name] },
        ]),
      ),
      apps: { gateway: { port: 0, services: [...services.keys()] } },
      ...options.config,
      // On a busy machine the server would reject some requests of tests that are about something else.
      limits: { wait: 60_000, ...(options.config?.limits as object | undefined) },
    },
    services,
    'config.yaml',
  );
  const all: Line[] = [];
  const logging = await collectLines(lines, options.level ?? config.log.level, raw, all);
  // A server that the tests of a file share belongs to none of them.
  t.onTestFailed?.(() => printWarnings(all));
  const app = await buildApp({
    config,
    name: options.name ?? 'gateway',
    services,
    logging,
    version: '0.0.0',
    contract: options.contract ?? (contract as unknown as OpenApiDocument),
  });
  const url = await app.listen();
  t.onTestFinished(() => app.stop());
  return {
    app,
    url,
    lines,
    raw,
    all,
    send: (method, path, body, headers) => send(`${url}${path}`, method, body, headers),
  };
}

/** Prints why the server may have failed a test; a failed expectation alone seldom says it. */
function printWarnings(lines: readonly Line[]): void {
  for (const { level, service, reqId, msg, time, err, ...fields } of lines) {
    if (!['warn', 'error', 'fatal'].includes(level)) continue;
    const { stack, ...more } = Object(err) as { readonly stack?: string };
    const rest = { ...fields, ...(err !== undefined && stack === undefined && { err: more }) };
    console.error(`${level} [${service}] (${reqId ?? 'no request'}) ${msg} ${JSON.stringify(rest)}`);
    if (stack !== undefined) console.error(stack);
  }
}

/**
 * A log that is kept in `lines`, and as it was written in `raw`, and goes nowhere. Tests may empty both; `all` keeps
 * every line.
 */
export function collectLines(
  lines: Line[],
  level: Level,
  raw: string[] = [],
  all: Line[] = [],
): Promise<Logging> {
  const stream = {
    write(line: string) {
      const parsed = JSON.parse(line) as Line;
      all.push(parsed);
      // This says something of the machine, not of what the test does.
      if (parsed.msg === 'the event loop was blocked') return;
      raw.push(line);
      lines.push(parsed);
    },
  };
  return openLogging({ level, console: 'none', streams: [stream] });
}

export async function send(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** A port of loopback that nobody listens at now. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** A folder that is gone when the test ends. */
export function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'monolith-'));
  t.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
