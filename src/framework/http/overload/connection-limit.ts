import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { internalLimits } from '../../config/limits.ts';
import { isIdle } from '../protocol/pipelining.ts';

/**
 * The state of a connection. `new`, `excess`: its first request has not arrived, and it is within or past the limit.
 * `outside`, `internal`: a client or another app of the project opened it. `rejected`: its requests are rejected. `closed`: the server
 * closed it to admit a new one.
 */
type State = 'new' | 'excess' | 'outside' | 'internal' | 'rejected' | 'closed';
const state = Symbol('state');
/** The time of its latest request, or of its start before the first request. */
const usedAt = Symbol('usedAt');
type Connection = Socket & { [state]?: State; [usedAt]?: number };

/** Counts the connections from outside. */
interface ConnectionLimit {
  /** Watches the connections of a server. */
  watch(server: Server): void;
  /** Returns whether the connection of a request is past the limit. Call it first for each request. */
  isTooMany(socket: Socket, isInternal: () => boolean): boolean;
}

/**
 * Limits the connections from outside. Internal connections do not count, because admitted requests wait for them. Only
 * the first request shows whether a connection is internal, so the server rejects a connection past the limit then. Up
 * to `max` further connections may be open before their first request; past that the server closes the oldest of them.
 * Node's `maxConnections` cannot tell internal connections from others, so a full server would reject calls to itself.
 *
 * When the server is full, it closes the connection that has been idle for the longest time to admit a new one.
 * Otherwise a client could lock out all others: it may keep each idle connection for `time.idle`, and may open silent
 * connections again and again without a request that counts towards its rate.
 */
export function limitConnections(max: number, onCloseIdle = () => {}): ConnectionLimit {
  /** The counted connections. */
  const counted = new Set<Connection>();
  let nextSearch = 0;
  const excess = new Set<Connection>();

  function add(socket: Connection): void {
    socket.once('close', remove);
    if (counted.size < max) {
      counted.add(socket);
      socket[state] = 'new';
      socket[usedAt] = performance.now();
      return;
    }
    socket[state] = 'excess';
    excess.add(socket);
    if (excess.size > max) excess.values().next().value?.destroy();
  }

  function remove(this: Connection): void {
    excess.delete(this);
    counted.delete(this);
  }

  /**
   * Closes the connection that has been idle for the longest time, or that has sent no request for that time. Returns
   * false if there is none.
   */
  function closeIdle(): boolean {
    const now = performance.now();
    if (now < nextSearch) return false;
    let longest: Connection | undefined;
    let since = now - internalLimits.idleMs;
    for (const socket of counted) {
      const { [usedAt]: at = now } = socket;
      if (at > since || !(socket[state] === 'new' || isIdle(socket))) continue;
      longest = socket;
      since = at;
    }
    if (longest === undefined) {
      // A server that is full and busy must not search for each client that it rejects.
      nextSearch = now + 100;
      return false;
    }
    longest[state] = 'closed';
    counted.delete(longest);
    longest.destroySoon();
    onCloseIdle();
    return true;
  }

  /** Classifies a connection by its first request. */
  function classify(socket: Connection, isInternal: boolean): State {
    excess.delete(socket);
    if (isInternal) {
      counted.delete(socket);
      return 'internal';
    }
    if (socket[state] === 'excess' && counted.size >= max && !closeIdle()) return 'rejected';
    counted.add(socket);
    return 'outside';
  }

  return {
    watch: (server) => void server.on('connection', add),
    isTooMany(socket: Connection, isInternal) {
      if (socket[state] === 'new' || socket[state] === 'excess')
        socket[state] = classify(socket, isInternal());
      socket[usedAt] = performance.now();
      return socket[state] === 'rejected';
    },
  };
}
