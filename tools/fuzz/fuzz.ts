import fc from 'fast-check';
import { UsageError } from '../../src/framework/app/arguments.ts';
import { listAims } from './aims.ts';
import { buildRequest, type Request } from './build.ts';
import { findViolation, readBody } from './check.ts';
import { type Operation, readDocument } from './document.ts';
import type { Aim, Draft } from './draft.ts';
import { createLinks } from './links.ts';
import { type Recipes, usedOnce } from './recipes.ts';
import { listMissing } from './report.ts';
import { createThings } from './things.ts';
import { type FuzzResponse, openWire, type Sent, toCurl } from './wire.ts';

export interface FuzzOptions {
  /** The URL of the server, whose `/openapi.json` is fuzzed. */
  readonly url: string;
  readonly seed: number;
  /** The number of requests, without those of the recipes. */
  readonly requests: number;
  readonly recipes?: Recipes;
  /** Called after each request with the number of requests so far. */
  readonly onProgress?: (count: number) => void;
}

/** A violation of the contract, with commands that reproduce it. */
export interface Finding {
  readonly description: string;
  readonly operation: string;
  readonly aim: string;
  readonly curl: readonly string[];
}

/** A request and its status, for the comparison with the log. */
export interface Exchange {
  readonly sent: Sent;
  readonly status: number;
  readonly requestId: string | undefined;
}

/** The number of requests, and of accepted ones. */
export interface Accepted {
  readonly sent: number;
  readonly accepted: number;
}

export interface Report {
  readonly seed: number;
  readonly requests: number;
  /** The number of responses by operation and status. */
  readonly reached: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Documented 2xx and 4xx responses that never came. */
  readonly missing: readonly string[];
  /** By operation, the valid requests that name only existing things. */
  readonly valid: ReadonlyMap<string, Accepted>;
  readonly finding: Finding | undefined;
  readonly exchanges: readonly Exchange[];
}

/** The maximum number of rounds for documented responses that few requests do not reach. */
const maxFurtherRounds = 20;
/** The maximum number of smaller requests that are sent to find the smallest one with the same violation. */
const maxShrinks = 300;

/**
 * Sends valid and invalid requests, which depend on earlier responses, and checks every response. Ends at the first
 * violation. On a fresh server, the same seed sends the same requests.
 */
export async function fuzz(options: FuzzOptions): Promise<Report> {
  const { url, seed, requests, recipes = {}, onProgress } = options;
  const contract = readDocument((await (await fetch(`${url}/openapi.json`)).json()) as never);
  const things = createThings(contract);
  const links = createLinks();
  const aims = listAims(contract, things);
  const wire = openWire(url);
  if (contract.operations.length === 0)
    throw new UsageError('There is no operation yet: add a service first');
  const reached = new Map(contract.operations.map(({ key }) => [key, new Map<string, number>()]));
  const valid = new Map(contract.operations.map(({ key }) => [key, { sent: 0, accepted: 0 }]));
  const exchanges: Exchange[] = [];
  let finding: Finding | undefined;
  let count = 0;

  /**
   * Sends a request, and checks the response.
   * @throws {Error} if the response violates the contract.
   */
  async function attempt(
    aim: Aim,
    request: Request,
    send = wire.send,
  ): Promise<{ response: FuzzResponse; body: unknown }> {
    const { operation } = aim;
    const { sent, values, path } = request;
    const curl = () => toCurl(url, sent);
    function fail(description: string, ...before: string[]): never {
      finding = { description, operation: operation.key, aim: aim.name, curl: [...before, curl()] };
      throw new Error(description);
    }
    const response: FuzzResponse = await send(sent).catch((error) => fail(`no response: ${error.message}`));
    count += 1;
    const { status } = response;
    const requestId = response.headers['x-request-id'];
    exchanges.push({ sent, status, requestId: typeof requestId === 'string' ? requestId : undefined });
    onProgress?.(count);
    const violation =
      findViolation(contract, aim, request, response) ?? links.observe(aim, request, response);
    if (violation !== undefined) fail(violation);
    const body = readBody(response);
    if (aim.expects === 'method rejected') return { response, body };

    const counts = reached.get(operation.key) as Map<string, number>;
    counts.set(String(status), (counts.get(String(status)) ?? 0) + 1);
    // 410: it names a position that the feed does not have. 404 of a thing that belongs to two others: an event has ended it.
    const isGone = status === 410 || (status === 404 && values.length > 1);
    if (aim.expects === 'success' && request.isValid && request.isSettled && !isGone) {
      const { sent, accepted } = valid.get(operation.key) as Accepted;
      valid.set(operation.key, { sent: sent + 1, accepted: accepted + (status < 300 ? 1 : 0) });
    }
    const deleted = things.observe({ operation, values, path, curl }, response, body);
    if (deleted !== undefined) fail(`${status} shows a deleted thing`, deleted);
    return { response, body };
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
    if (finding === undefined) await followLinks();
    if (finding === undefined) await followRecipes();
    if (finding === undefined) await sendConcurrently();
    await reachMissing();
  } finally {
    wire.close();
  }
  const missing = finding === undefined ? listMissing(contract.operations, reached) : [];
  return { seed, requests: count, reached, missing, valid, finding, exchanges };

  /** Sends further requests to the operations with a documented response that has not come yet. */
  async function reachMissing(): Promise<void> {
    for (let round = 1; round <= maxFurtherRounds; round += 1) {
      const missing = listMissing(contract.operations, reached);
      const further = aims.filter(({ operation }) =>
        missing.some((one) => one.startsWith(`${operation.key} `)),
      );
      if (further.length === 0) return;
      // A complete round: a part of it would have only the first aims.
      const requests = further.reduce((sum, { share }) => sum + share, 0);
      for (const { aim, runSeed } of plan(further, seed + round, requests)) {
        if (finding !== undefined) return;
        await tryOnce(aim, runSeed);
      }
    }
  }

  /** Reads the pages that links name. Each may add the link to the page after it. */
  async function followLinks(): Promise<void> {
    for (const { aim, request } of links.pages) {
      await attempt(aim, request).catch((error) => {
        if (finding === undefined) throw error;
      });
      if (finding !== undefined) return;
    }
  }

  /** Sends requests for responses that random requests do not cause. */
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

  /** Sends a request with a key many times concurrently. All but the first get 409 while it is in progress. */
  async function sendConcurrently(): Promise<void> {
    for (const { key, parameters, responses } of contract.operations) {
      const isOnce = parameters.find(({ name }) => usedOnce.includes(name))?.name;
      for (let tries = 0; isOnce !== undefined && responses.has('409') && tries < 10; tries += 1) {
        if (!reached.has(key) || reached.get(key)?.has('409')) break;
        const aim = aims.find(
          ({ operation, name }) => operation.key === key && name === 'a valid request',
        ) as Aim;
        const [draft] = fc.sample(aim.draft, { seed: seed + tries, numRuns: 1 }) as [Draft];
        const named = { ...draft, headers: { ...draft.headers, [isOnce]: 'new' } };
        const request = buildRequest(contract, things, aim, named);
        const concurrent = { ...aim, expects: 'contract' } as const;
        await Promise.all(
          Array.from({ length: 20 }, () => attempt(concurrent, request, wire.sendSeparately)),
        );
      }
    }
  }

  async function call(
    key: string,
    { path = {}, body }: { path?: Record<string, unknown>; body?: unknown } = {},
  ) {
    const operation = contract.operations.find((one) => one.key === key) as Operation;
    const draft: Draft = {
      of: { target: 'each', index: 0 },
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

/** Orders the requests: each round has all aims, in a random order. */
function* plan(aims: readonly Aim[], seed: number, requests: number) {
  const round = aims.flatMap((aim) => Array.from({ length: aim.share }, () => aim));
  const rounds = Math.ceil(requests / round.length);
  // The first round is in the order of the document, which lists creating operations first.
  const all = fc.shuffledSubarray(round, { minLength: round.length, maxLength: round.length });
  const orders = [round, ...fc.sample(all, { seed, numRuns: Math.max(1, rounds - 1) })].slice(0, rounds);
  const seeds = fc.sample(fc.integer(), { seed: seed + 1, numRuns: Math.max(1, requests) });
  let index = 0;
  for (const aim of orders.flat().slice(0, requests)) yield { aim, runSeed: seeds[index++] as number };
}
