import fc from 'fast-check';
import { UsageError } from '../../src/framework/app/arguments.ts';
import { listAims } from './aims.ts';
import { buildRequest } from './build.ts';
import { type Operation, readDocument } from './document.ts';
import type { Aim, Draft } from './draft.ts';
import { type Call, type Recipes, usedOnce } from './recipes.ts';
import { listMissing } from './report.ts';
import { type Accepted, type Exchange, type Finding, Session } from './session.ts';

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

/**
 * Sends valid and invalid requests, which depend on earlier responses, and checks every response. Ends at the first
 * violation. On a fresh server, the same seed sends the same requests.
 */
export async function fuzz(options: FuzzOptions): Promise<Report> {
  const { url, seed, requests, recipes = {}, onProgress } = options;
  const contract = readDocument((await (await fetch(`${url}/openapi.json`)).json()) as never);
  if (contract.operations.length === 0)
    throw new UsageError('There is no operation yet: add a service first');
  const session = new Session(url, contract, onProgress);
  const aims = listAims(contract, session.things);
  const phases = [
    () => sendRandom(session, aims, seed, requests),
    () => followLinks(session),
    () => followRecipes(session, recipes),
    () => sendConcurrently(session, aims, seed),
    () => reachMissing(session, aims, seed),
  ];
  try {
    for (const run of phases) if (session.finding === undefined) await run();
  } catch (error) {
    if (session.finding === undefined) throw error;
  } finally {
    session.wire.close();
  }
  const { reached, valid, finding, exchanges } = session;
  const missing = finding === undefined ? listMissing(contract.operations, reached) : [];
  return { seed, requests: exchanges.length, reached, missing, valid, finding, exchanges };
}

async function sendRandom(session: Session, aims: readonly Aim[], seed: number, requests: number) {
  for (const { aim, runSeed } of plan(aims, seed, requests)) {
    if (session.finding !== undefined) return;
    await session.tryOnce(aim, runSeed);
  }
}

/** Reads the pages that links name. Each may add the link to the page after it. */
async function followLinks(session: Session): Promise<void> {
  for (const { aim, request } of session.links.pages) await session.attempt(aim, request);
}

/** Sends requests for responses that random requests do not cause. */
async function followRecipes(session: Session, recipes: Recipes): Promise<void> {
  const call = createCall(session);
  for (const [key, byStatus] of Object.entries(recipes)) {
    const reached = session.reached.get(key);
    for (const [status, recipe] of Object.entries(byStatus))
      if (reached?.has(status) === false) await recipe(call);
  }
}

/** Sends a request with a key many times concurrently. All but the first get 409 while it is in progress. */
async function sendConcurrently(session: Session, aims: readonly Aim[], seed: number): Promise<void> {
  const { contract, reached, things, wire } = session;
  for (const { key, parameters, responses } of contract.operations) {
    const isOnce = parameters.find(({ name }) => usedOnce.includes(name))?.name;
    for (let tries = 0; isOnce !== undefined && responses.has('409') && tries < 10; tries += 1) {
      if (reached.get(key)?.has('409')) break;
      const aim = aims.find(
        ({ operation, name }) => operation.key === key && name === 'a valid request',
      ) as Aim;
      const [draft] = fc.sample(aim.draft, { seed: seed + tries, numRuns: 1 }) as [Draft];
      const named = { ...draft, headers: { ...draft.headers, [isOnce]: 'new' } };
      const request = buildRequest(contract, things, aim, named);
      const concurrent = { ...aim, expects: 'contract' } as const;
      await Promise.all(
        Array.from({ length: 20 }, () => session.attempt(concurrent, request, wire.sendSeparately)),
      );
    }
  }
}

/** Sends further requests to the operations with a documented response that has not come yet. */
async function reachMissing(session: Session, aims: readonly Aim[], seed: number): Promise<void> {
  for (let round = 1; round <= maxFurtherRounds; round += 1) {
    const missing = listMissing(session.contract.operations, session.reached);
    const further = aims.filter(({ operation }) =>
      missing.some((one) => one.startsWith(`${operation.key} `)),
    );
    if (further.length === 0) return;
    // A complete round: a part of it would have only the first aims.
    const requests = further.reduce((sum, { share }) => sum + share, 0);
    await sendRandom(session, further, seed + round, requests);
    if (session.finding !== undefined) return;
  }
}

function createCall(session: Session): Call {
  const { contract, things } = session;
  return (key, { path = {}, body } = {}) => {
    const operation = contract.operations.find((one) => one.key === key) as Operation;
    const draft: Draft = {
      of: { target: 'each', index: 0 },
      ...{ path, body, query: {}, headers: {}, tail: '', isEscaped: false },
      ...{ spoil: undefined, contentType: undefined, method: undefined },
    };
    const recipe = { name: 'a recipe', operation, share: 0, draft: fc.constant(draft) };
    const aim: Aim = { ...recipe, expects: 'contract' };
    return session.attempt(aim, buildRequest(contract, things, aim, draft));
  };
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
