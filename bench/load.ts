/** The load, as its users see it; `generator.ts` makes it, in a process with a core of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Place, pin, watchCores } from './machine.ts';
import type { Server } from './servers.ts';

/** One request of a client. */
export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

/** What the generator is told. */
export interface Load {
  readonly port: number;
  /** As they go over the wire; the connections take them in turn, round and round. */
  readonly requests: readonly string[];
  readonly connections: number;
  /** Seconds of load before what is measured. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Whether it polls all the time: it never sleeps, so no answer has to wake it, as one would on the same machine. */
  readonly isBusyPolling?: boolean;
}

/** What it says: answers a second, and ms. */
export interface Figure {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  /** The share of its core that the load took: near 1, it is the load that is measured. */
  readonly loadBusy: number;
}

/** What it is told where the load does not wait for answers. */
export interface Offer extends Load {
  /** Requests a second, that come by chance, over so many connections at most. */
  readonly arrivals: number;
}

/** What it says then; `rate`, `p50` and `p99` are those of what was accepted. */
export interface Offered extends Figure {
  /** Requests a second that were refused, and that came. */
  readonly shed: number;
  readonly offered: number;
  /** ms that a refusal took, of one in a hundred at least. */
  readonly shedP99: number;
  /** All that came, the warm-up's too: 200, 503 with Retry-After, of health, and how many of any other status. */
  readonly answers: {
    readonly accepted: number;
    readonly shed: number;
    readonly health: number;
    readonly others: Readonly<Record<string, number>>;
  };
  /** ms that the slowest look at health took. */
  readonly health: number;
  /** ms that one in a hundred was late when the load came to send it, at least. */
  readonly late: number;
  /** The share of the requests that had to wait for a connection. */
  readonly queued: number;
}

/** What else was seen meanwhile. */
interface Around {
  /** Cores that the server took. */
  readonly serverBusy: number;
  /** Cores that something else took, which has no part in this. */
  readonly othersBusy: number;
}

export type Measured = Figure & Around;
export type MeasuredOffer = Offered & Around;

export type Generator = ReturnType<typeof openGenerator>;

/** @param place where it runs, as a server that has all cores shares them with it. */
export function openGenerator(place: Place = 'load') {
  const script = fileURLToPath(new URL('generator.ts', import.meta.url));
  const [file, ...args] = pin(place, [process.execPath, script]);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

  function tell<Said extends Figure>(load: Load): Promise<Said> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the load generator ended'));
      child.once('exit', ended);
      child.once('message', (answer: { figure: Said } | { error: string }) => {
        child.off('exit', ended);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.figure);
      });
      child.send(load);
    });
  }

  async function watch<Said extends Figure>(
    server: Server,
    requests: readonly Request[],
    load: Omit<Load, 'port' | 'requests'>,
  ): Promise<Said & Around> {
    const { port } = server;
    const begin = () => ({ at: performance.now(), cpu: server.use().cpu, others: watchCores() });
    let begun = begin();
    const timer = setTimeout(() => {
      begun = begin();
    }, load.warmUp * 1000);
    try {
      const wire = requests.map((request) => write(request, port));
      const figure = await tell<Said>({ ...load, port, requests: wire });
      const seconds = (performance.now() - begun.at) / 1000;
      const cpu = server.use().cpu - begun.cpu;
      const othersBusy = begun.others(cpu + figure.loadBusy * seconds);
      return { ...figure, serverBusy: cpu / seconds, othersBusy };
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    /** Any answer but a 2xx, and any connection that breaks, rejects. */
    measure(
      server: Server,
      requests: readonly Request[],
      load: Omit<Load, 'port' | 'requests'>,
    ): Promise<Measured> {
      return watch<Figure>(server, requests, load);
    },
    /** Any connection that breaks, and any look at health that is no 200, rejects. */
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

function write({ method, path, body }: Request, port: number): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  const text = JSON.stringify(body);
  return `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
