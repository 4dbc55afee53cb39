import type { Exchange } from './session.ts';

type Line = Readonly<Record<string, unknown>>;

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/**
 * Describes the errors in the log of a fuzzed server. Each entry must be one JSON object without content of a client,
 * except in `path`. Each request must have one entry with its method, path and status.
 */
export function findLogErrors(
  lines: readonly string[],
  exchanges: readonly Exchange[],
  services: readonly string[],
): string[] {
  const errors: string[] = [];
  const byId = new Map<string, Line[]>();
  for (const text of lines) {
    const line = parse(text);
    const error =
      line === undefined ? 'is not a JSON object' : findError(line, text, ['gateway', ...services]);
    if (error !== undefined) errors.push(`an entry ${error}: ${text.slice(0, 300)}`);
    const id = String(line?.reqId);
    byId.set(id, [...(byId.get(id) ?? []), line ?? {}]);
  }
  for (const exchange of exchanges) {
    const { sent, status, requestId } = exchange;
    const found = (byId.get(String(requestId)) ?? []).filter((line) => isLineOf(line, exchange));
    if (found.length === 1) continue;
    errors.push(
      `${sent.method} ${sent.path} ${status} (${requestId}) has ${found.length} entries instead of one`,
    );
  }
  return errors;
}

function parse(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}

/** Describes an error in an entry. Only `path` may have content of a client. */
function findError(line: Line, text: string, services: readonly string[]): string | undefined {
  // A terminal would execute these.
  if (/\p{Cc}/u.test(text)) return 'has a control character';
  if (!levels.includes(String(line.level))) return 'has no level';
  if (!services.includes(String(line.service))) return 'has an unknown service';
  if (Number.isNaN(Date.parse(String(line.time)))) return 'has no time';
  if (line.reqId !== undefined && !/^[\w-]{1,64}$/.test(String(line.reqId))) return 'has an invalid id';
  const { path, ...rest } = line;
  if (JSON.stringify(rest).includes('forged')) return 'has content of a request outside of `path`';
  // JSON allows a repeated key, and parsers use the last one.
  const keys = [...text.matchAll(/[{,]"(level|time|service|reqId|msg)":/g)].map(([, key]) => key);
  if (new Set(keys).size < keys.length) return 'has a key twice';
  return undefined;
}

function isLineOf(line: Line, { sent, status }: Exchange): boolean {
  if (line.msg === 'malformed request rejected') return line.status === status;
  const path = sent.path.split('?', 1)[0];
  return (
    line.msg === 'request' && line.method === sent.method && line.path === path && line.status === status
  );
}
