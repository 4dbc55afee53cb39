import type { Dispatcher } from 'undici';

/** A response was not complete within the timeout of its request. */
export class ResponseTimeout extends Error {}

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Receives the outcome of one request. An attempt that may be repeated is not reported. */
export interface ExchangeHandler {
  /** Whether the caller still waits: no further attempt is made for one that does not. */
  isWanted(): boolean;
  /** Called when the request is about to be sent; again for each further attempt. */
  onRequestStart(controller: Dispatcher.DispatchController): void;
  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void;
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void;
  onResponseEnd(): void;
  onResponseError(controller: Dispatcher.DispatchController | undefined, error: Error): void;
}

/** A request as undici takes it; the connections know the origin. */
export type ExchangeRequest = Omit<Dispatcher.DispatchOptions, 'origin'>;
