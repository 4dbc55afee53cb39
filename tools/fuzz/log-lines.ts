import type { Exchange } from './fuzz.ts';

type Line = Readonly<Record<string, unknown>>;

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/**
 * What is wrong with the lines that a server wrote while it was fuzzed, in words: each must be one JSON object in
 * the server's own words, and each request must have one line that says what was asked and answered.
 */
export function findLogFaults(
  lines: readonly string[],
  exchanges: readonly Exchange[],
  services: readonly string[],
): string[] {
  const faults: string[] = [];
  const byId = new Map<string, Line[]>();
  for (const text of lines) {
    const line = parse(text);
    const fault = line === undefined ? 'is no JSON object' : findFault(line, text, ['gateway', ...services]);
    if (fault !== undefined) faults.push(`a line ${fault}: ${text.slice(0, 300)}`);
    const id = String(line?.reqId);
    byId.set(id, [...(byId.get(id) ?? []), line ?? {}]);
  }
  for (const exchange of exchanges) {
    const { sent, status, requestId } = exchange;
    const own = (byId.get(String(requestId)) ?? []).filter((line) => isLineOf(line, exchange));
    if (own.length === 1) continue;
    faults.push(`${sent.method} ${sent.path} ${status} (${requestId}) has ${own.length} lines, not one`);
  }
  return faults;
}

function parse(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}

/** What was sent may stand in `path`; all else is the server's own. */
function findFault(line: Line, text: string, services: readonly string[]): string | undefined {
  // A terminal would act on these.
  if (/\p{Cc}/u.test(text)) return 'has a control character';
  if (!levels.includes(String(line.level))) return 'has no level';
  if (!services.includes(String(line.service))) return 'has no service that there is';
  if (Number.isNaN(Date.parse(String(line.time)))) return 'has no time';
  if (line.reqId !== undefined && !/^[\w-]{1,64}$/.test(String(line.reqId))) return 'has an id that is none';
  const { path, ...rest } = line;
  if (JSON.stringify(rest).includes('forged')) return 'says what was sent as if it were its own';
  // JSON allows a key twice; the last would win.
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
