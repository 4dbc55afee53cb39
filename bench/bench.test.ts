import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, type TestContext, test } from 'vitest';
import lock from '../package-lock.json' with { type: 'json' };
import { writeChart } from './chart.ts';
import { openGenerator } from './load.ts';
import benchLock from './package-lock.json' with { type: 'json' };
import { random } from './random.ts';
import { writeGoal, writeReport, writeTable } from './report.ts';
import { findDoubts, type Result } from './result.ts';
import { measureRounds } from './rounds.ts';
import { findDifference } from './same.ts';
import type { Server } from './servers.ts';
import { judge, spread } from './statistics.ts';

describe('the spread', () => {
  test('is the median and the quartiles, in any order of the figures', () => {
    expect(spread([5, 1, 4, 2, 3])).toEqual({ median: 3, low: 2, high: 4 });
  });

  test('interpolates between two figures', () => {
    expect(spread([1, 2, 3, 4])).toEqual({ median: 2.5, low: 1.75, high: 3.25 });
  });

  test('of one figure is that figure', () => {
    expect(spread([7])).toEqual({ median: 7, low: 7, high: 7 });
  });
});

describe('the verdict', () => {
  const figures = { median: 1, low: 0.9, high: 1.1 };

  test('is reached if the complete spread satisfies the goal', () => {
    expect(judge(figures, { atLeast: 0.9 })).toBe('reached');
    expect(judge(figures, { atMost: 1.1 })).toBe('reached');
  });

  test('is missed if the complete spread violates the goal', () => {
    expect(judge(figures, { atLeast: 1.2 })).toBe('missed');
    expect(judge(figures, { atMost: 0.8 })).toBe('missed');
  });

  test('is undecided if the goal lies within the spread', () => {
    expect(judge(figures, { atLeast: 0.95 })).toBe('undecided');
    expect(judge(figures, { atLeast: 1.05 })).toBe('undecided');
    expect(judge(figures, { atMost: 0.95 })).toBe('undecided');
    expect(judge(figures, { atMost: 1.05 })).toBe('undecided');
  });

  test('is undecided without a figure', () => {
    expect(judge(spread([]), { atLeast: 1 })).toBe('undecided');
    expect(judge(spread([]), { atMost: 1 })).toBe('undecided');
  });
});

describe('the report', () => {
  const result: Result = {
    row: 'user',
    work: 'a user',
    against: 'a join',
    goal: { atLeast: 1 },
    values: [1.5, 1.1, 1.3, 1.2, 1.4],
  };

  test('shows the work, the peer, the goal, the median, the quartiles and the verdict of a row', () => {
    expect(writeTable([result])).toContain('| a user | a join | ≥ 1 | 1.30 | 1.20 – 1.40 | reached |\n');
  });

  test('has no verdict for a figure without a goal', () => {
    const { goal: _, ...figure } = result;
    expect(writeTable([figure])).toContain('| a user | a join |  | 1.30 | 1.20 – 1.40 |  |\n');
  });

  test('shows the unit of a figure that is not a ratio, and no spread of a single figure', () => {
    const memory: Result = { ...result, unit: 'MiB', goal: { atMost: 250 }, values: [181.4] };
    expect(writeTable([memory])).toContain('| ≤ 250 MiB | 181 MiB |  | reached |');
  });

  test('shows the reason for a missing figure', () => {
    const rows = [
      { ...result, values: [], failed: 'a response was 503' },
      { ...result, values: [], notRun: 'no Python | here' },
    ];
    expect(writeTable(rows)).toContain('| ≥ 1 |  |  | **failed**: a response was 503 |');
    expect(writeTable(rows)).toContain('| ≥ 1 |  |  | not run: no Python \\| here |');
  });

  test('marks a doubtful row, and lists each doubt once', () => {
    const doubtful = { ...result, warnings: ['the server was not the limit'] };
    const circumstances = { date: '2026-11-21', machine: '2 cores', isQuick: false, pairs: 9, seconds: 4 };
    const report = writeReport([doubtful, doubtful], circumstances);
    expect(report).toContain('| 1.30 | 1.20 – 1.40 | reached, doubtful |\n');
    expect(report.match(/^- user, against a join: the server was not the limit$/gm)).toHaveLength(1);
    expect(writeReport([result], circumstances)).not.toContain('Doubts');
  });

  test('writes goals with a sign and a unit', () => {
    expect(writeGoal({ atLeast: 0.75 })).toBe('≥ 0.75');
    expect(writeGoal({ atMost: 5 }, 'ms')).toBe('≤ 5 ms');
  });
});

describe('a doubt', () => {
  const figure = { rate: 1, p50: 1, p99: 1, loadBusy: 0.4, serverBusy: 0.97, othersBusy: 0.02 };

  test('is reported if the core of a server was not the limit', () => {
    expect(findDoubts([figure, { ...figure, serverBusy: 0.71, loadBusy: 0.99 }])).toEqual([
      'the server was not the limit: it took 71 % of its core, the load generator 99 %',
    ]);
  });

  test('is not reported for a server that should be idle', () => {
    expect(findDoubts([{ ...figure, serverBusy: 0.1 }], true)).toEqual([]);
  });

  test('is reported if other processes used the same cores', () => {
    expect(findDoubts([figure, { ...figure, othersBusy: 0.34 }])).toEqual([
      'other processes took up to 34 % of a core',
    ]);
  });

  test('is not reported for a valid measurement', () => {
    expect(findDoubts([figure, figure])).toEqual([]);
  });
});

describe('the chart', () => {
  const rivalry: Result = {
    row: 'user',
    work: 'a user',
    against: 'R & D <1>',
    goal: { atLeast: 1 },
    values: [1.1, 1.2, 1.3],
    isRivalry: true,
  };

  test('shows the work, the ratio, the goal and the verdict of a comparison', () => {
    const chart = writeChart([rivalry]);
    expect(chart).toContain('>a user<');
    expect(chart).toContain('>against R &amp; D &lt;1&gt;<');
    expect(chart).toContain('>× 1.20<');
    expect(chart).toContain('>goal ≥ 1: reached<');
    expect(writeChart([{ ...rivalry, warnings: ['busy'] }])).toContain('>goal ≥ 1: reached, doubtful<');
  });

  test('omits results that are no comparison or have no figure', () => {
    const chart = writeChart([
      rivalry,
      { ...rivalry, work: 'a size', isRivalry: false },
      { ...rivalry, work: 'no Python', values: [], notRun: 'no Python' },
    ]);
    expect(chart).not.toContain('a size');
    expect(chart).not.toContain('no Python');
  });

  test('is drawn even if all rows failed', () => {
    expect(writeChart([])).toMatch(/^<svg .*<\/svg>\n$/s);
  });
});

describe('rounds', () => {
  const plan = { pairs: 3, warmUps: 1, warmUp: 0, seconds: 0, memorySeconds: 0 };
  const bench = { ...plan, generator: undefined as never, async waitForQuiet() {}, showProgress() {} };

  test('have the requested number, without the warm-up', async () => {
    let count = 0;
    const rounds = await measureRounds(bench, async () => [{ othersBusy: 0, count: ++count }]);
    expect(rounds.map(([figure]) => figure?.count)).toEqual([2, 3, 4]);
  });

  test('are repeated if other processes were busy', async () => {
    let count = 0;
    const rounds = await measureRounds(bench, async () => {
      count++;
      return [{ othersBusy: count === 3 ? 0.5 : 0, count }];
    });
    expect(rounds.map(([figure]) => figure?.count)).toEqual([2, 4, 5]);
  });

  test('fail without a response, unless other processes were busy', async () => {
    let count = 0;
    const rates = [1, 0, 1, 1, 0];
    const rounds = measureRounds(bench, async () => {
      const rate = rates[count++] ?? 0;
      return [{ rate, othersBusy: count === 2 ? 0.5 : 0 }];
    });
    await expect(rounds).rejects.toThrow('no response during a round');
    expect(count).toBe(5);
  });

  test('end although other processes are busy all the time', async () => {
    let count = 0;
    const rounds = await measureRounds(bench, async () => [{ othersBusy: 0.5, count: ++count }]);
    expect(rounds).toHaveLength(3);
    expect(count).toBe(1 + 3 + 3);
  });
});

describe.skipIf(process.platform !== 'linux')('the closed loop', () => {
  const generator = openGenerator('anywhere');
  afterAll(() => generator.close());

  /** Measures a server with this handler. */
  async function measure(answer: RequestListener, requests = [{ method: 'GET', path: '/' } as const]) {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const running = { port, use: () => ({ cpu: 0, rss: 0 }) } as Server;
    try {
      return await generator.measure(running, requests, { connections: 4, warmUp: 0.05, seconds: 0.5 });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('counts responses, and measures their p99', async () => {
    const { rate, p50, p99 } = await measure((_, response) => setTimeout(() => response.end('{}'), 20));
    // 4 connections, 20 ms each
    expect(rate).toBeGreaterThan(50);
    expect(rate).toBeLessThanOrEqual(220);
    expect(p50).toBeGreaterThanOrEqual(19);
    expect(p99).toBeGreaterThanOrEqual(p50);
  });

  test('counts a response once, also if it arrives in several chunks', async () => {
    let count = 0;
    const { rate } = await measure((_, response) => {
      count++;
      const body = 'x'.repeat(200_000);
      if (count % 2 === 0) response.setHeader('content-length', body.length);
      response.write(body.slice(0, 100_000));
      setTimeout(() => response.end(body.slice(100_000)), 10);
    });
    expect(rate).toBeGreaterThan(20);
    expect(rate * 0.2).toBeLessThanOrEqual(count);
  });

  test('sends the requests in turn with their bodies', async () => {
    const seen: string[] = [];
    const bodies = [{ name: 'Mia' }, { name: 'Ärger' }];
    await measure(
      async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk);
        seen.push(`${request.method} ${request.url} ${Buffer.concat(chunks)}`);
        response.end('{}');
      },
      bodies.map((body, index) => ({ method: 'POST', path: `/${index}`, body })) as never,
    );
    expect(new Set(seen.slice(0, 4))).toEqual(
      new Set(['POST /0 {"name":"Mia"}', 'POST /1 {"name":"Ärger"}']),
    );
  });

  test('fails on a response that is not 2xx', async () => {
    const answer: RequestListener = (_, response) => response.writeHead(503).end('{}');
    await expect(measure(answer)).rejects.toThrow('a response was 503');
  });

  test('fails on a connection that breaks', async () => {
    await expect(measure((request) => request.socket.destroy())).rejects.toThrow(
      /the server closed a connection|ECONNRESET/,
    );
  });
});

describe.skipIf(process.platform !== 'linux')('the open loop', () => {
  const generator = openGenerator('anywhere');
  afterAll(() => generator.close());

  /** Measures a server with this handler at 200 requests per second. */
  async function offer(answer: RequestListener, connections = 50, health = 200) {
    const server = createServer((request, response) => {
      if (request.url === '/health') response.writeHead(health).end('{}');
      else answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const running = { port, use: () => ({ cpu: 0, rss: 0 }) } as Server;
    try {
      const load = { connections, warmUp: 0.1, seconds: 0.5, arrivals: 200 };
      return await generator.offer(running, [{ method: 'GET', path: '/' }], load);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('sends at its own rate, and counts accepted and rejected requests', async () => {
    let count = 0;
    const { offered, responses, health } = await offer((_, response) => {
      count++;
      if (count % 2 === 0) response.writeHead(503, { 'retry-after': '1' });
      response.end('{}');
    });
    // The mean is 100 in half a second. The limits are four standard deviations.
    expect(offered).toBeGreaterThan(120);
    expect(offered).toBeLessThan(280);
    expect(responses).toMatchObject({
      accepted: Math.ceil(count / 2),
      rejected: Math.floor(count / 2),
      others: {},
    });
    expect(responses.health).toBeGreaterThanOrEqual(2);
    expect(health).toBeGreaterThan(0);
  });

  test('counts the time from when a request was due', async () => {
    const { p50, queued } = await offer((_, response) => setTimeout(() => response.end('{}'), 50), 2);
    // The server can handle 40 requests per second, so most of 200 wait.
    expect(queued).toBeGreaterThan(0.5);
    expect(p50).toBeGreaterThan(100);
  });

  test('counts other responses by their status', async () => {
    let count = 0;
    const { responses } = await offer((_, response) => {
      response.writeHead(count++ === 0 ? 500 : 503).end('{}');
    });
    expect(responses).toMatchObject({ accepted: 0, rejected: 0, others: { 500: 1, 503: count - 1 } });
  });

  test('fails on a connection that breaks, and if health is not 200', async () => {
    await expect(offer((request) => request.socket.destroy())).rejects.toThrow(
      /the server closed a connection|ECONNRESET/,
    );
    await expect(offer((_, response) => response.end('{}'), 50, 503)).rejects.toThrow('health was 503');
  });
});

describe('the same work', () => {
  const request = { method: 'GET', path: '/' } as const;

  async function serve(t: TestContext, body: object): Promise<Server> {
    const server = createServer((_, response) => response.end(JSON.stringify(body))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.onTestFinished(() => void server.close());
    return { port: (server.address() as AddressInfo).port } as Server;
  }

  test('is found for equal responses in any order of keys', async (t) => {
    const servers = [await serve(t, { a: 1, b: [2] }), await serve(t, { b: [2], a: 1 })] as const;
    expect(await findDifference(...servers, [request])).toBeUndefined();
  });

  test('is not found for different responses', async (t) => {
    const servers = [await serve(t, { id: 1 }), await serve(t, { id: 2 })] as const;
    expect(await findDifference(...servers, [request])).toBe('GET /: {"id":1} and {"id":2}');
  });

  test('may differ in generated properties', async (t) => {
    const servers = [await serve(t, { id: 1, name: 'Rex' }), await serve(t, { id: 2, name: 'Rex' })] as const;
    expect(await findDifference(...servers, [{ ...request, method: 'POST' }])).toBeUndefined();
    const others = [
      await serve(t, { id: 1, name: 'Rex' }),
      await serve(t, { id: '1', name: 'Rex' }),
    ] as const;
    expect(await findDifference(...others, [{ ...request, method: 'POST' }])).toContain('"number"');
  });
});

test('random numbers are the same in every run, and cover all values below the limit', () => {
  const [one, other] = [random(1), random(1)];
  const numbers = Array.from({ length: 200 }, () => one(10));
  expect(numbers).toEqual(Array.from({ length: 200 }, () => other(10)));
  expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
});

test('the peers have the same versions of Fastify and the drivers as the product', () => {
  for (const name of ['node_modules/fastify', 'node_modules/better-sqlite3', 'node_modules/pg'] as const) {
    expect(benchLock.packages[name].version).toBe(lock.packages[name].version);
  }
});
