import { Problem } from '../errors/problem.ts';
import type { HttpResponse } from './transport.ts';

/** Converts the 401 or 403 of a peer to a problem for the caller of the running request. */
export function toCallerProblem({ status, headers, content }: HttpResponse, target: string): Problem {
  const { type, detail } = readProblem(content);
  const challenge = headers['www-authenticate'];
  return new Problem(status, detail ?? `${target} is not permitted`, {
    ...(type !== undefined && { type }),
    ...(challenge !== undefined && { headers: { 'www-authenticate': String(challenge) } }),
  });
}

/** Reads the problem of a peer. The body of a proxy in front of the peer may be anything. */
function readProblem(content: string): { readonly type?: string; readonly detail?: string } {
  try {
    const { type, detail } = Object(JSON.parse(content)) as Readonly<Record<string, unknown>>;
    return { ...(typeof type === 'string' && { type }), ...(typeof detail === 'string' && { detail }) };
  } catch {
    return {};
  }
}
