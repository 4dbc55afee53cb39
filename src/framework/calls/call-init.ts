import {
  createFinalURL,
  createQuerySerializer,
  defaultPathSerializer as pathSerializer,
} from 'openapi-fetch';
import { currentContext } from '../context/context.ts';
import { enclosingWrite } from '../context/open-write.ts';
import type { OperationContract } from '../openapi/response-contract.ts';
import type { CallInit } from './peers.ts';
import type { HttpRequest } from './transport.ts';

const querySerializer = createQuerySerializer();

/** Creates a function that converts the arguments of a call of an operation to its HTTP request. */
export function createRequestWriter({ method, path, takesKey }: OperationContract, origin: () => string) {
  const verb = method.toUpperCase() as HttpRequest['method'];
  return (init: CallInit, headers: Record<string, string>, timeout: number): HttpRequest => {
    const { params = {}, query = {}, body } = init;
    const url = createFinalURL(path, {
      baseUrl: origin(),
      params: { path: params, query },
      querySerializer,
      pathSerializer,
    });
    const sent = { ...lowerCaseNames(init.headers), ...headers };
    const { request, keyed, service } = currentContext() ?? {};
    if (takesKey && keyed !== undefined)
      sent['idempotency-key'] ??= keyed.nextKey(`${service} ${verb} ${path}`);
    const call = { url, method: verb, headers: sent, timeout, request };
    if (body === undefined) return call;
    sent['content-type'] = 'application/json';
    return { ...call, body: JSON.stringify(body) };
  };
}

/** Lower-cases the names of headers, so that the caller and the client do not both set a header. */
function lowerCaseNames(headers: CallInit['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** @throws {TypeError} for an empty list, because a query cannot express it: the peer would list all of its items. */
export function rejectEmptyLists(target: string, query: CallInit['query'] = {}): void {
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value) && value.length === 0)
      throw new TypeError(
        `The query parameter ${name} of ${target} is an empty list, which a URL cannot express: leave the call out`,
      );
  }
}

/** @throws {TypeError} inside a write of a database: the write would hold its transaction until the peer responds. */
export function assertOutsideWrite(target: string): void {
  if (enclosingWrite() === undefined) return;
  throw new TypeError(`A write must not call a peer (${target}): call first, write last`);
}
