import type { Request } from './build.ts';
import { type Contract, documentedFor, type Operation } from './document.ts';
import type { Aim } from './draft.ts';
import type { FuzzResponse } from './wire.ts';

const unreadable = [400, 413, 414, 415, 422];

/** Parses the JSON body of a response; undefined if it has no valid JSON. */
export function readBody({ headers, body }: FuzzResponse): unknown {
  if (body.length === 0 || !/\bjson\b/.test(headers['content-type'] ?? '')) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** Describes how a response violates the contract; undefined if it does not. */
export function findViolation(
  contract: Contract,
  aim: Aim,
  request: Request,
  response: FuzzResponse,
): string | undefined {
  const { status } = response;
  if (status >= 500) return `${status}: a healthy server has no 5xx`;
  if (aim.expects === 'method rejected')
    return checkMethodRejected(contract, aim.operation, request, response);
  return checkDocumented(aim.operation, response) ?? checkExpected(aim, request, status);
}

function checkExpected({ expects }: Aim, { isValid }: Request, status: number): string | undefined {
  const isSuccess = status >= 200 && status < 300;
  const isRejection = status >= 400;
  if (expects === 'anything documented') return undefined;
  if (expects === 'rejection')
    return isRejection ? undefined : `${status} for a request that must be rejected`;
  if (!isValid) return isRejection ? undefined : `${status} for an invalid request`;
  if (unreadable.includes(status)) return `${status} for a valid request`;
  return isSuccess || isRejection ? undefined : `${status} for a valid request`;
}

/** Checks that the contract documents the status, the content type and the body. */
function checkDocumented(operation: Operation, { status, headers, body }: FuzzResponse): string | undefined {
  const documented = documentedFor(operation, status);
  if (documented === undefined) return `${status} is not documented`;
  if (documented.size === 0)
    return body.length === 0 ? undefined : `${status} has a body, but none is documented`;
  const type = headers['content-type']?.split(';', 1)[0]?.trim() ?? 'none';
  const accepts = documented.get(type);
  if (accepts === undefined)
    return `${status} has content type ${type}, but ${[...documented.keys()]} is documented`;
  if (!/\bjson\b/.test(type)) return undefined;
  const value = readBody({ status, headers, body });
  if (value === undefined) return `${status} has a body that is not JSON: ${body.toString().slice(0, 200)}`;
  if (accepts(value)) return undefined;
  const [error] = (accepts as { errors?: { instancePath: string; message: string }[] }).errors ?? [];
  return `${status} has a body that does not match its schema: ${error?.instancePath} ${error?.message}`;
}

/** Expects 405 with an `Allow` that has the documented methods and not the rejected one. */
function checkMethodRejected(
  contract: Contract,
  operation: Operation,
  { sent }: Request,
  response: FuzzResponse,
) {
  const { status, headers } = response;
  if (status !== 405) return `${status} for ${sent.method}, which is not documented: expected 405`;
  const allowed = (headers.allow ?? '').split(/\s*,\s*/);
  const documented = contract.operations
    .filter(({ path }) => path === operation.path)
    .map(({ method }) => method);
  const missing = documented.filter((method) => !allowed.includes(method));
  if (missing.length > 0) return `405 whose Allow (${headers.allow}) lacks ${missing}`;
  if (allowed.includes(sent.method)) return `405 whose Allow (${headers.allow}) contains the rejected method`;
  return sent.method === 'HEAD' ? undefined : checkDocumented(operation, response);
}
