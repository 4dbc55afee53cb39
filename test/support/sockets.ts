import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestContext, vi } from 'vitest';
import pet from '../../src/services/pet/index.ts';
import {
  createExampleApp,
  createTestApp,
  type ExampleAppOptions,
  type LogEntry,
  type TestApp,
} from './app.ts';

/** Where the pet service runs: in the app that is asked, or in another, to which that one forwards. */
export const places = ['in the same app', 'in an app of its own'] as const;
export type Place = (typeof places)[number];

/** The product, asked at its gateway. */
export interface PlacedExampleApp extends TestApp {
  /** What every app has logged so far, as it was written. */
  everyRawLog(): string[];
  /** The same, parsed. */
  everyLog(): LogEntry[];
}

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
    const port = Number(new URL(pets.url).port);
    const homes = {
      gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
      pets: { port, services: ['pet'] },
    };
    apps.push(await createExampleApp(t, { ...options, config: { ...common, apps: homes } }), pets);
  }
  return {
    ...(apps[0] as TestApp),
    everyRawLog: () => apps.flatMap(({ rawLogs }) => rawLogs),
    everyLog: () => apps.flatMap(({ logs }) => logs),
  };
}

/** A connection on which bytes are sent as they stand, of which a character each is one. */
export interface Wire {
  readonly socket: Socket;
  write(bytes: string | Buffer): void;
  /** All that came so far. */
  text(): string;
  /** Resolves with all that came, when the other side has closed; rejects when it has not in so many ms. */
  closed(timeout?: number): Promise<string>;
}

export function open(t: TestContext, url: string): Wire {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (part) => {
    text += part;
  });
  // A reset is an end as well: what counts is what came before.
  socket.on('error', () => {});
  const end = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    socket,
    write: (bytes) => void (socket.writable && socket.write(bytes, 'latin1')),
    text: () => text,
    async closed(timeout = 5_000) {
      const late = AbortSignal.timeout(timeout);
      const tooLate = once(late, 'abort').then(() => {
        throw new Error(`still open after ${timeout} ms, with ${JSON.stringify(text.slice(0, 500))}`);
      });
      await Promise.race([end, tooLate]);
      return text;
    },
  };
}

/** The same, once it is connected. */
export async function openConnected(t: TestContext, url: string): Promise<Wire> {
  const wire = open(t, url);
  await once(wire.socket, 'connect');
  return wire;
}

/** Those that the gateway has. */
export function countConnections({ app }: TestApp): Promise<number> {
  return new Promise((resolve) => app.server.server.getConnections((_error, count) => resolve(count)));
}

/** Sends these bytes, a part each packet; resolves with the answers that came until the connection was closed. */
export async function exchange(
  t: TestContext,
  url: string,
  ...parts: (string | Buffer)[]
): Promise<Answer[]> {
  const wire = open(t, url);
  for (const [index, part] of parts.entries()) {
    if (index > 0) await sleep(10);
    wire.write(part);
  }
  return readAnswers(await wire.closed());
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** The answers that stand one after the other on a connection; throws where what is there is no whole answer. */
export function readAnswers(text: string): Answer[] {
  const answers: Answer[] = [];
  for (let rest = text; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    const [first = '', ...fields] = rest.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    if (end < 0 || Number.isNaN(status)) throw new Error(`no answer: ${JSON.stringify(rest.slice(0, 300))}`);
    const headers = new Headers(fields.map((field) => field.split(/: ?(.*)/, 2) as [string, string]));
    const length = status < 200 ? 0 : Number(headers.get('content-length') ?? Number.NaN);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length !== length) throw new Error(`${body.length} bytes of ${length}: ${rest.slice(0, 300)}`);
    if (status >= 200) answers.push({ status, headers, body });
    rest = rest.slice(end + 4 + length);
  }
  return answers;
}

export const isAccess = ({ msg }: LogEntry) => msg === 'request';

/** The requests that were answered: method, path and status of each, sorted. */
export function listAnswered(lines: readonly LogEntry[]): string[] {
  return lines
    .filter((line) => isAccess(line) && !line.aborted)
    .map(({ method, path, status }) => `${method} ${path} ${status}`)
    .sort();
}

/** Waits until a check passes, also on a busy machine. */
export const until = <Result>(check: () => Result): Promise<Awaited<Result>> =>
  vi.waitFor(check, 15_000) as Promise<Awaited<Result>>;
