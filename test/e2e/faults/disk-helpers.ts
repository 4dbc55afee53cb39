import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { expect } from 'vitest';

/** The arguments of `unshare` for a shell that may mount file systems, before its script. */
export const mount = ['--user', '--map-root-user', '--mount', 'sh', '-c'];

/** Whether a test may mount file systems here. */
export const canMount = spawnSync('unshare', [...mount, 'mount -t tmpfs tmpfs /mnt']).status === 0;

/** Fills the disk, up to `size` MiB. */
export function fillDisk(path: string, size: number): void {
  const fd = openSync(path, 'w');
  try {
    for (let left = size * 256; left > 0; left -= 1) writeSync(fd, Buffer.alloc(4096));
    fsyncSync(fd);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  } finally {
    closeSync(fd);
  }
}
