import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** The owners of this process that have not ended. */
const owners = new Set<string>();

/** Creates the name of an owner of a lease: its host, its process and a random part. */
export function createOwner(): string {
  const owner = `${hostname()}:${process.pid}:${randomUUID()}`;
  owners.add(owner);
  return owner;
}

export function endOwner(owner: string): void {
  owners.delete(owner);
}

/**
 * Whether the owner is known to have ended: its process was on this host and no longer runs. Its lease is then free
 * before it expires. False if that cannot be known. A wrong result does no harm, because a process writes positions
 * only while it has the lease.
 */
export function hasEnded(owner: string): boolean {
  const [host, pid] = owner.split(':');
  if (host !== hostname()) return false;
  // A container that starts again has the same host name and process id.
  if (Number(pid) === process.pid) return !owners.has(owner);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
