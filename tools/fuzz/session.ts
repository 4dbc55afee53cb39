import fc from 'fast-check';
import { buildRequest, type Request } from './build.ts';
import { findViolation, readBody } from './check.ts';
import type { Contract } from './document.ts';
import type { Aim, Draft } from './draft.ts';
import { createLinks } from './links.ts';
import { createThings } from './things.ts';
import { type FuzzResponse, openWire, type Sent, toCurl } from './wire.ts';

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

/** The maximum number of smaller requests that are sent to find the smallest one with the same violation. */
const maxShrinks = 300;

/** Sends the requests to one server, checks each response, and counts what was reached. */
export class Session {
  readonly contract: Contract;
  readonly things: ReturnType<typeof createThings>;
  readonly links = createLinks();
  readonly wire: ReturnType<typeof openWire>;
  /** The number of responses by operation and status. */
  readonly reached: ReadonlyMap<string, Map<string, number>>;
  /** By operation, the valid requests that name only existing things. */
  readonly valid: Map<string, Accepted>;
  readonly exchanges: Exchange[] = [];
  /** The violation that ended the run, in the smallest request that has it. */
  finding: Finding | undefined;
  readonly #url: string;
  readonly #onProgress: ((count: number) => void) | undefined;

  constructor(url: string, contract: Contract, onProgress?: (count: number) => void) {
    this.#url = url;
    this.#onProgress = onProgress;
    this.contract = contract;
    this.things = createThings(contract);
    this.wire = openWire(url);
    this.reached = new Map(contract.operations.map(({ key }) => [key, new Map()]));
    this.valid = new Map(contract.operations.map(({ key }) => [key, { sent: 0, accepted: 0 }]));
  }

  /** Sends a random request of an aim. After a violation, sends smaller requests to find the smallest one with it. */
  async tryOnce(aim: Aim, seed: number): Promise<void> {
    let tries = 0;
    const property = fc.asyncProperty(aim.draft, async (draft: Draft) => {
      tries += 1;
      if (tries <= maxShrinks) await this.attempt(aim, buildRequest(this.contract, this.things, aim, draft));
    });
    const { failed, errorInstance } = await fc.check(property, { seed, numRuns: 1 });
    if (failed && this.finding === undefined) throw errorInstance;
  }

  /**
   * Sends a request, and checks the response. Resolves with its body.
   * @throws {Error} if the response violates the contract.
   */
  async attempt(aim: Aim, request: Request, send = this.wire.send): Promise<unknown> {
    const response: FuzzResponse = await send(request.sent).catch((error) =>
      this.#fail(aim, request, `no response: ${error.message}`),
    );
    const { status } = response;
    const requestId = response.headers['x-request-id'];
    this.exchanges.push({
      sent: request.sent,
      status,
      requestId: typeof requestId === 'string' ? requestId : undefined,
    });
    this.#onProgress?.(this.exchanges.length);
    const violation =
      findViolation(this.contract, aim, request, response) ?? this.links.observe(aim, request, response);
    if (violation !== undefined) this.#fail(aim, request, violation);
    const body = readBody(response);
    if (aim.expects === 'method rejected') return body;

    this.#count(aim, request, status);
    const { operation } = aim;
    const { values, path, sent } = request;
    const seen = { operation, values, path, curl: () => toCurl(this.#url, sent) };
    const deleted = this.things.observe(seen, response, body);
    if (deleted !== undefined) this.#fail(aim, request, `${status} shows a deleted thing`, deleted);
    return body;
  }

  #count({ operation, expects }: Aim, { isValid, isSettled, values }: Request, status: number): void {
    const counts = this.reached.get(operation.key) as Map<string, number>;
    counts.set(String(status), (counts.get(String(status)) ?? 0) + 1);
    // 410: it names a position that the feed does not have. 404 of a thing that belongs to two others: an event has ended it.
    const isGone = status === 410 || (status === 404 && values.length > 1);
    if (expects !== 'success' || !isValid || !isSettled || isGone) return;
    const { sent, accepted } = this.valid.get(operation.key) as Accepted;
    this.valid.set(operation.key, { sent: sent + 1, accepted: accepted + (status < 300 ? 1 : 0) });
  }

  #fail({ operation, name }: Aim, { sent }: Request, description: string, ...before: string[]): never {
    const curl = [...before, toCurl(this.#url, sent)];
    this.finding = { description, operation: operation.key, aim: name, curl };
    throw new Error(description);
  }
}
