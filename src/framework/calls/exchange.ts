import type { Dispatcher } from 'undici';

/** A response was not complete within the timeout of its request. */
export class ResponseTimeout extends Error {}

/** A request was sent, and its response was lost because of `cause`. */
export class ResponseLost extends Error {
  override readonly cause: Error;

  constructor(cause: Error) {
    super(cause.message);
    this.cause = cause;
  }
}

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Receives the outcome of one request. The failure of an attempt that is repeated is not reported. */
export interface ExchangeHandler {
  /** Whether the caller still waits. If not, there is no further attempt. */
  isWanted(): boolean;
  /** Called when the request is about to be sent; again for each further attempt. */
  onRequestStart(controller: Dispatcher.DispatchController): void;
  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void;
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void;
  onResponseEnd(): void;
  onResponseError(controller: Dispatcher.DispatchController | undefined, error: Error): void;
}

/** A request of undici without the origin, which the connections know. */
export type ExchangeRequest = Omit<Dispatcher.DispatchOptions, 'origin'>;
