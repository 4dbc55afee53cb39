import fc from 'fast-check';
import { listAims } from './aims.ts';
import { buildRequest, type Request } from './build.ts';
import { findFault, readBody } from './check.ts';
import { type Operation, readDocument } from './document.ts';
import type { Aim, Draft } from './draft.ts';
import { type Recipes, usedOnce } from './recipes.ts';
import { listMissing } from './report.ts';
import { createThings } from './things.ts';
import { type Answer, openWire, type Sent, toCurl } from './wire.ts';

export interface FuzzOptions {
  /** Where the server is; its `/openapi.json` says what is fuzzed. */
  readonly url: string;
  readonly seed: number;
  /** How many requests; those of the recipes come on top. */
  readonly requests: number;
  readonly recipes?: Recipes;
  /** Called after each request with how many there have been. */
  readonly onProgress?: (count: number) => void;
}

/** Something that is not as the contract says, with commands that show it. */
export interface Finding {
  readonly what: string;
  readonly operation: string;
  readonly aim: string;
  readonly curl: readonly string[];
}

/** What was sent, and what came: for the log to be compared with. */
export interface Exchange {
  readonly sent: Sent;
  readonly status: number;
  readonly requestId: string | undefined;
}

/** How many were sent, and how many of them taken. */
export interface Accepted {
  readonly sent: number;
  readonly accepted: number;
}

export interface Report {
  readonly seed: number;
  readonly requests: number;
  /** By operation and status: how often it came. */
  readonly reached: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** What is documented and never came: a 2xx, or a 4xx, of an operation. */
  readonly missing: readonly string[];
  /** By operation, of the requests that fit and name what there is: how many there were, and were taken. */
  readonly fitting: ReadonlyMap<string, Accepted>;
  readonly finding: Finding | undefined;
  readonly exchanges: readonly Exchange[];
}

/** How often a request is made smaller and sent again to find the smallest that shows the same. */
const maxShrinks = 300;

/**
 * Sends requests that fit the contract and such that do not, in an order of which each depends on the answers to
 * those before, and checks every answer. Ends at the first that is wrong. On a fresh server, the same seed sends
 * the same requests.
 */
export async function fuzz(options: FuzzOptions): Promise<Report> {
  const { url, seed, requests, recipes = {}, onProgress } = options;
  const contract = readDocument((await (await fetch(`${url}/openapi.json`)).json()) as never);
  const things = createThings(contract);
  const aims = listAims(contract, things);
  const wire = openWire(url);
  const reached = new Map(contract.operations.map(({ key }) => [key, new Map<string, number>()]));
  const fitting = new Map(contract.operations.map(({ key }) => [key, { sent: 0, accepted: 0 }]));
  const exchanges: Exchange[] = [];
  let finding: Finding | undefined;
  let count = 0;

  /** Sends one request and checks what comes; returns the answer, or throws what is wrong. */
  async function attempt(
    aim: Aim,
    request: Request,
    send = wire.send,
  ): Promise<{ answer: Answer; body: unknown }> {
    const { operation } = aim;
    const { sent, values, path } = request;
    const curl = () => toCurl(url, sent);
    function fail(what: string, ...before: string[]): never {
      finding = { what, operation: operation.key, aim: aim.name, curl: [...before, curl()] };
      throw new Error(what);
    }
    const answer: Answer = await send(sent).catch((error) => fail(`no answer: ${error.message}`));
    count += 1;
    const { status } = answer;
    const requestId = answer.headers['x-request-id'];
    exchanges.push({ sent, status, requestId: typeof requestId === 'string' ? requestId : undefined });
    onProgress?.(count);
    const fault = findFault(contract, aim, request, answer);
    if (fault !== undefined) fail(fault);
    const body = readBody(answer);
    if (aim.expects === 'method refused') return { answer, body };

    const counts = reached.get(operation.key) as Map<string, number>;
    counts.set(String(status), (counts.get(String(status)) ?? 0) + 1);
    if (aim.expects === 'success' && request.fits && request.isSettled) {
      const { sent, accepted } = fitting.get(operation.key) as Accepted;
      fitting.set(operation.key, { sent: sent + 1, accepted: accepted + (status < 300 ? 1 : 0) });
    }
    const deleted = things.observe({ operation, values, path, curl }, answer, body);
    if (deleted !== undefined) fail(`${status} shows what was deleted`, deleted);
    return { answer, body };
  }

  async function tryOnce(aim: Aim, runSeed: number): Promise<void> {
    let tries = 0;
    const property = fc.asyncProperty(aim.draft, async (draft: Draft) => {
      tries += 1;
      if (tries <= maxShrinks) await attempt(aim, buildRequest(contract, things, aim, draft));
    });
    const { failed, errorInstance } = await fc.check(property, { seed: runSeed, numRuns: 1 });
    if (failed && finding === undefined) throw errorInstance;
  }

  try {
    for (const { aim, runSeed } of plan(aims, seed, requests)) {
      await tryOnce(aim, runSeed);
      if (finding !== undefined) break;
    }
    if (finding === undefined) await followRecipes();
    if (finding === undefined) await crowd();
  } finally {
    wire.close();
  }
  const missing = finding === undefined ? listMissing(contract.operations, reached) : [];
  return { seed, requests: count, reached, missing, fitting, finding, exchanges };

  /** What no one comes upon by chance. */
  async function followRecipes(): Promise<void> {
    for (const [key, byStatus] of Object.entries(recipes)) {
      for (const [status, recipe] of Object.entries(byStatus)) {
        if (!reached.has(key) || reached.get(key)?.has(status)) continue;
        await recipe(call).catch((error) => {
          if (finding === undefined) throw error;
        });
      }
    }
  }

  /** Sends what is used once many times at once: of those that come before the first is answered, each is a conflict. */
  async function crowd(): Promise<void> {
    for (const { key, parameters, responses } of contract.operations) {
      const isOnce = parameters.find(({ name }) => usedOnce.includes(name))?.name;
      for (let tries = 0; isOnce !== undefined && responses.has('409') && tries < 10; tries += 1) {
        if (!reached.has(key) || reached.get(key)?.has('409')) break;
        const aim = aims.find(({ operation, name }) => operation.key === key && name === 'what fits') as Aim;
        const [draft] = fc.sample(aim.draft, { seed: seed + tries, numRuns: 1 }) as [Draft];
        const named = { ...draft, headers: { ...draft.headers, [isOnce]: 'new' } };
        const request = buildRequest(contract, things, aim, named);
        const crowded = { ...aim, expects: 'contract' } as const;
        await Promise.all(Array.from({ length: 20 }, () => attempt(crowded, request, wire.sendApart)));
      }
    }
  }

  async function call(
    key: string,
    { path = {}, body }: { path?: Record<string, unknown>; body?: unknown } = {},
  ) {
    const operation = contract.operations.find((one) => one.key === key) as Operation;
    const draft: Draft = {
      of: { what: 'each', index: 0 },
      ...{ path, body, query: {}, headers: {}, tail: '', isEscaped: false },
      ...{ spoil: undefined, contentType: undefined, method: undefined },
    };
    const aim: Aim = {
      name: 'a recipe',
      operation,
      share: 0,
      draft: fc.constant(draft),
      expects: 'contract',
    };
    return (await attempt(aim, buildRequest(contract, things, aim, draft))).body;
  }
}

/** Which aim comes when: all of them in each round, the rounds in an order of their own. */
function* plan(aims: readonly Aim[], seed: number, requests: number) {
  const round = aims.flatMap((aim) => Array.from({ length: aim.share }, () => aim));
  const rounds = Math.ceil(requests / round.length);
  // At first there is nothing to read, change or delete: a document lists what makes it first.
  const all = fc.shuffledSubarray(round, { minLength: round.length, maxLength: round.length });
  const orders = [round, ...fc.sample(all, { seed, numRuns: Math.max(1, rounds - 1) })].slice(0, rounds);
  const seeds = fc.sample(fc.integer(), { seed: seed + 1, numRuns: Math.max(1, requests) });
  let index = 0;
  for (const aim of orders.flat().slice(0, requests)) yield { aim, runSeed: seeds[index++] as number };
}
