import type { Request } from './build.ts';
import { type Contract, documentedFor, type Operation } from './document.ts';
import type { Aim } from './draft.ts';
import type { Answer } from './wire.ts';

const unreadable = [400, 413, 414, 415, 422];

/** The body of an answer as JSON; undefined where it has none or is none. */
export function readBody({ headers, body }: Answer): unknown {
  if (body.length === 0 || !/\bjson\b/.test(headers['content-type'] ?? '')) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** What is wrong with an answer, in words; undefined where nothing is. */
export function findFault(
  contract: Contract,
  aim: Aim,
  request: Request,
  answer: Answer,
): string | undefined {
  const { status } = answer;
  if (status >= 500) return `${status}: a healthy server has no 5xx`;
  if (aim.expects === 'method refused') return checkMethodRefused(contract, aim.operation, request, answer);
  return checkDocumented(aim.operation, answer) ?? checkExpected(aim, request, status);
}

function checkExpected({ expects }: Aim, { fits }: Request, status: number): string | undefined {
  const isSuccess = status >= 200 && status < 300;
  const isRefusal = status >= 400;
  if (expects === 'anything documented') return undefined;
  if (expects === 'refusal') return isRefusal ? undefined : `${status} for what cannot be taken`;
  if (!fits) return isRefusal ? undefined : `${status} for what does not fit`;
  if (unreadable.includes(status)) return `${status} for what fits`;
  return isSuccess || isRefusal ? undefined : `${status} for what fits`;
}

/** Status, content type and body as the contract has them. */
function checkDocumented(operation: Operation, { status, headers, body }: Answer): string | undefined {
  const documented = documentedFor(operation, status);
  if (documented === undefined) return `${status} is not documented`;
  if (documented.size === 0)
    return body.length === 0 ? undefined : `${status} has a body, documented is none`;
  const type = headers['content-type']?.split(';', 1)[0]?.trim() ?? 'none';
  const fits = documented.get(type);
  if (fits === undefined)
    return `${status} has content type ${type}, documented is ${[...documented.keys()]}`;
  if (!/\bjson\b/.test(type)) return undefined;
  const value = readBody({ status, headers, body });
  if (value === undefined) return `${status} has a body that is no JSON: ${body.toString().slice(0, 200)}`;
  if (fits(value)) return undefined;
  const [error] = (fits as { errors?: { instancePath: string; message: string }[] }).errors ?? [];
  return `${status} has a body that is not as documented: ${error?.instancePath} ${error?.message}`;
}

/** 405, with `Allow` naming what the contract has, and not what was refused. */
function checkMethodRefused(contract: Contract, operation: Operation, { sent }: Request, answer: Answer) {
  const { status, headers } = answer;
  if (status !== 405) return `${status} for ${sent.method}, which is not documented: it must be 405`;
  const allowed = (headers.allow ?? '').split(/\s*,\s*/);
  const documented = contract.operations
    .filter(({ path }) => path === operation.path)
    .map(({ method }) => method);
  const missing = documented.filter((method) => !allowed.includes(method));
  if (missing.length > 0) return `405 whose Allow (${headers.allow}) lacks ${missing}`;
  if (allowed.includes(sent.method))
    return `405 whose Allow (${headers.allow}) has the method that it refuses`;
  return sent.method === 'HEAD' ? undefined : checkDocumented(operation, answer);
}
