/**
 * Loaded into a restore by `--import`: ends it with SIGKILL right before step DIE_AT. The steps are renames, links and
 * removals of files, except those of an inspection of a database.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const last = Number(process.env.DIE_AT);
let steps = 0;
for (const name of ['renameSync', 'linkSync', 'rmSync'] as const) {
  const real = fs[name] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [name](...args: unknown[]) {
      const isInspection = args.some((path) => String(path).includes('.look-'));
      if (!isInspection) steps += 1;
      if (!isInspection && steps === last) process.kill(process.pid, 'SIGKILL');
      return real(...args);
    },
  });
}
syncBuiltinESMExports();
