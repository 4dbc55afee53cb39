import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { internalLimits } from '../../config/limits.ts';
import { isIdle } from '../protocol/pipelining.ts';

/**
 * The state of a connection. `new`, `over`: its first request has not arrived, and it is within or past the limit.
 * `outside`, `ours`: a client or another app of the project opened it. `refused`: it was rejected. `closed`: the server
 * closed it to admit a new one.
 */
type State = 'new' | 'over' | 'outside' | 'ours' | 'refused' | 'closed';
const state = Symbol('state');
const usedAt = Symbol('usedAt');
type Connection = Socket & { [state]?: State; [usedAt]?: number };

/** The connections from outside. */
export interface ConnectionLimit {
  /** Counts those of a server. */
  watch(server: Server): void;
  /** Looks at a request before all else: whether its connection is one too many. `isOurs` says who sent it. */
  isTooMany(socket: Socket, isOurs: () => boolean): boolean;
}

/**
 * Bounds the connections from outside. Whose one is its first request shows: those of our own are not counted, since
 * what waits for them has been admitted. So one past the limit is not refused before that, and of those that say
 * nothing there are never more than as many again: the oldest goes first. Node's `maxConnections` cannot tell them
 * apart, so a full server would refuse the calls to itself.
 *
 * When the server is full, the connection that has been idle for the longest time makes room for a new one: a client may
 * keep a connection for `time.idle`, and a few requests on each would lock out all others.
 */
export function limitConnections(most: number, onCloseIdle = () => {}): ConnectionLimit {
  let count = 0;
  const outside = new Set<Connection>();
  let nextSearch = 0;
  const over = new Set<Connection>();

  function open(socket: Connection): void {
    socket.once('close', close);
    if (count < most) {
      count += 1;
      socket[state] = 'new';
      return;
    }
    socket[state] = 'over';
    over.add(socket);
    if (over.size > most) over.values().next().value?.destroy();
  }

  function close(this: Connection): void {
    if (this[state] === 'new' || this[state] === 'outside') count -= 1;
    over.delete(this);
    outside.delete(this);
  }

  /** Makes room for one more; false where no connection has been idle for long enough. */
  function closeIdle(): boolean {
    const now = performance.now();
    if (now < nextSearch) return false;
    let longest: Connection | undefined;
    let since = now - internalLimits.idle;
    for (const socket of outside) {
      const { [usedAt]: at = now } = socket;
      if (at > since || !isIdle(socket)) continue;
      longest = socket;
      since = at;
    }
    if (longest === undefined) {
      // A server that is full and busy must not search for each client that it rejects.
      nextSearch = now + 100;
      return false;
    }
    longest[state] = 'closed';
    outside.delete(longest);
    count -= 1;
    longest.destroySoon();
    onCloseIdle();
    return true;
  }

  /** What a connection is, by its first request. */
  function judge(socket: Connection, isOurs: boolean): State {
    const isCounted = socket[state] === 'new';
    over.delete(socket);
    if (isOurs) {
      if (isCounted) count -= 1;
      return 'ours';
    }
    if (!isCounted) {
      if (count >= most && !closeIdle()) return 'refused';
      count += 1;
    }
    outside.add(socket);
    return 'outside';
  }

  return {
    watch: (server) => void server.on('connection', open),
    isTooMany(socket: Connection, isOurs) {
      if (socket[state] === 'new' || socket[state] === 'over') socket[state] = judge(socket, isOurs());
      socket[usedAt] = performance.now();
      return socket[state] === 'refused';
    },
  };
}
