import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * What a connection is: one whose first request has not come, within the limit (`new`) or past it (`over`); one from
 * outside, or of our own; or one that was refused.
 */
type State = 'new' | 'over' | 'outside' | 'ours' | 'refused';
const state = Symbol('state');
type Connection = Socket & { [state]?: State };

/** The connections from outside. */
export interface Connections {
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
 */
export function boundConnections(most: number): Connections {
  let count = 0;
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
  }

  /** What a connection is, by its first request. */
  function judge(socket: Connection, isOurs: boolean): State {
    const isCounted = socket[state] === 'new';
    over.delete(socket);
    if (isOurs) {
      if (isCounted) count -= 1;
      return 'ours';
    }
    if (isCounted) return 'outside';
    if (count >= most) return 'refused';
    count += 1;
    return 'outside';
  }

  return {
    watch: (server) => void server.on('connection', open),
    isTooMany(socket: Connection, isOurs) {
      if (socket[state] === 'new' || socket[state] === 'over') socket[state] = judge(socket, isOurs());
      return socket[state] === 'refused';
    },
  };
}
