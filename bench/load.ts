/** Controls the load generator, which runs `generator.ts` in a process on a separate core. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Place, pin, watchCores } from './machine.ts';
import type { Server } from './servers.ts';

/** One request of a client. */
export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A closed-loop load. */
export interface Load {
  readonly port: number;
  /** The bytes of each request. The connections send them in turn, repeatedly. */
  readonly requests: readonly string[];
  readonly connections: number;
  /** Seconds of load before the measurement. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Whether it polls all the time. Then it never sleeps, and no response has to wake it. */
  readonly isBusyPolling?: boolean;
}

/** The result: responses per second, and times in ms. */
export interface Figure {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  /** The share of a core that the load generator took. Near 1, the generator is the bottleneck. */
  readonly loadBusy: number;
}

/** An open-loop load. */
export interface Offer extends Load {
  /** The mean number of requests per second (Poisson). */
  readonly arrivals: number;
}

/** The result of an open loop. `rate`, `p50` and `p99` are of accepted requests. */
export interface Offered extends Figure {
  /** Rejected and offered requests per second. */
  readonly rejected: number;
  readonly offered: number;
  /** The p99 of rejections, in ms. */
  readonly rejectedP99: number;
  /** The number of responses, including the warm-up: 200, 503 with Retry-After, health, and others by status. */
  readonly responses: {
    readonly accepted: number;
    readonly rejected: number;
    readonly health: number;
    readonly others: Readonly<Record<string, number>>;
  };
  /** The slowest health request, in ms. */
  readonly health: number;
  /** The p99 of the delay before sending, in ms. */
  readonly late: number;
  /** The share of requests that waited for a connection. */
  readonly queued: number;
}

/** The processor use during the measurement. */
interface ProcessorUse {
  /** Cores that the server used. */
  readonly serverBusy: number;
  /** Cores that unrelated processes used. */
  readonly othersBusy: number;
}

export type Measured = Figure & ProcessorUse;
export type MeasuredOffer = Offered & ProcessorUse;

export type Generator = ReturnType<typeof openGenerator>;

/** Starts a load generator. @param place its cores; a server on all cores shares them with it. */
export function openGenerator(place: Place = 'load') {
  const script = fileURLToPath(new URL('generator.ts', import.meta.url));
  const [file, ...args] = pin(place, [process.execPath, script]);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

  function run<Outcome extends Figure>(load: Load): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the load generator ended'));
      child.once('exit', ended);
      child.once('message', (answer: { figure: Outcome } | { error: string }) => {
        child.off('exit', ended);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.figure);
      });
      child.send(load);
    });
  }

  async function watch<Outcome extends Figure>(
    server: Server,
    requests: readonly Request[],
    load: Omit<Load, 'port' | 'requests'>,
  ): Promise<Outcome & ProcessorUse> {
    const { port } = server;
    const begin = () => ({ at: performance.now(), cpu: server.use().cpu, others: watchCores() });
    let begun = begin();
    const timer = setTimeout(() => {
      begun = begin();
    }, load.warmUp * 1000);
    try {
      const wire = requests.map((request) => write(request, port));
      const figure = await run<Outcome>({ ...load, port, requests: wire });
      const seconds = (performance.now() - begun.at) / 1000;
      const cpu = server.use().cpu - begun.cpu;
      const othersBusy = begun.others(cpu + figure.loadBusy * seconds);
      return { ...figure, serverBusy: cpu / seconds, othersBusy };
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    /** Runs a closed loop. Rejects on any response but 2xx, and if a connection breaks. */
    measure(
      server: Server,
      requests: readonly Request[],
      load: Omit<Load, 'port' | 'requests'>,
    ): Promise<Measured> {
      return watch<Figure>(server, requests, load);
    },
    /** Runs an open loop. Rejects if a connection breaks, or if health is not 200. */
    offer(
      server: Server,
      requests: readonly Request[],
      load: Omit<Offer, 'port' | 'requests'>,
    ): Promise<MeasuredOffer> {
      return watch<Offered>(server, requests, load);
    },
    close(): void {
      child.kill();
    },
  };
}

function write({ method, path, body, headers = {} }: Request, port: number): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${fields.join('')}`;
  if (body === undefined) return `${head}\r\n`;
  const text = JSON.stringify(body);
  return `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
