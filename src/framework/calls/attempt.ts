import type { Dispatcher } from 'undici';
import { safeMethods } from '../context/methods.ts';
import { drainingHeader, notHandled } from '../context/propagation.ts';
import type { Endpoint } from './endpoint.ts';
import {
  type ExchangeHandler,
  type ExchangeRequest,
  type ResponseHeaders,
  ResponseTimeout,
} from './exchange.ts';
import { errors } from './undici.ts';

/** The addresses that a request may go to. */
interface AddressSource {
  /** Chooses the next address of a request; undefined if it has tried all of them. */
  choose(tried: readonly Endpoint[]): Endpoint | undefined;
  reportFailure(endpoint: Endpoint): void;
}

/** Codes of undici for errors of an address. Its other codes are for errors of the request or of its limits. */
const addressErrors = ['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT'];

function isAddressError(error: Error): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return !code.startsWith('UND_ERR_') || addressErrors.includes(code);
}

/** Sends one request to an address, and to further addresses while it fails and may be repeated. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly #addresses: AddressSource;
  readonly #request: ExchangeRequest;
  readonly #handler: ExchangeHandler;
  readonly #tried: Endpoint[] = [];
  #endpoint: Endpoint | undefined;
  /** The address to use instead of one that stops and has not handled the request. */
  #next: Endpoint | undefined;
  #sentAt: number | undefined;
  #hasResponse = false;

  constructor(addresses: AddressSource, request: ExchangeRequest, handler: ExchangeHandler) {
    this.#addresses = addresses;
    this.#request = request;
    this.#handler = handler;
  }

  /** @param error the error of the resolution. Ignored if addresses of an earlier resolution are known. */
  start(error: Error | undefined): void {
    const endpoint = this.#addresses.choose(this.#tried);
    if (endpoint === undefined)
      this.#handler.onResponseError(undefined, error ?? new errors.ClientDestroyedError());
    else this.#sendTo(endpoint);
  }

  #sendTo(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
    this.#next = undefined;
    this.#tried.push(endpoint);
    this.#sentAt = undefined;
    endpoint.inFlight += 1;
    endpoint.pool.dispatch(this.#request as Dispatcher.DispatchOptions, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The handler aborts a request whose caller timed out while it waited for a connection: it is never sent.
    if (this.#handler.isWanted()) this.#sentAt = performance.now();
    this.#handler.onRequestStart(controller);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    const { [drainingHeader]: draining } = headers;
    this.#endpoint?.respond(performance.now(), draining !== undefined);
    if (draining === notHandled) this.#chooseNext();
    if (this.#next !== undefined) return;
    this.#hasResponse = true;
    this.#handler.onResponseStart(controller, status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#next === undefined) this.#handler.onResponseData(controller, chunk);
  }

  onResponseEnd(): void {
    this.#leave();
    if (this.#next === undefined) this.#handler.onResponseEnd();
    else this.#sendTo(this.#next);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    const endpoint = this.#leave();
    const isRepeated = this.#reportFailure(endpoint, error) && this.#canRepeat();
    if (isRepeated) this.start(error);
    else this.#handler.onResponseError(controller, error);
  }

  /** Chooses a healthy address for a request that was not handled. Without one, its response is the outcome. */
  #chooseNext(): void {
    const next = this.#addresses.choose(this.#tried);
    if (next?.isEjected === false) this.#next = next;
  }

  #leave(): Endpoint {
    const endpoint = this.#endpoint as Endpoint;
    endpoint.inFlight -= 1;
    return endpoint;
  }

  /** Reports the address if it has failed. Returns whether it has. */
  #reportFailure(endpoint: Endpoint, error: Error): boolean {
    if (this.#hasResponse) return false;
    // A timeout may mean slow work. The address has failed only if nothing came from it since the request was sent.
    const hasFailed =
      error instanceof ResponseTimeout
        ? this.#sentAt !== undefined && endpoint.respondedAt < this.#sentAt
        : this.#handler.isWanted() && isAddressError(error);
    if (hasFailed) this.#addresses.reportFailure(endpoint);
    return hasFailed;
  }

  #canRepeat(): boolean {
    if (!this.#handler.isWanted()) return false;
    return this.#sentAt === undefined || this.#next !== undefined || safeMethods.has(this.#request.method);
  }
}
