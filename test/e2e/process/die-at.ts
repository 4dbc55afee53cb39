/**
 * Loaded into a restore by `--import`: ends it by SIGKILL right before the step with the number DIE_AT, of those that
 * change which files there are: renames, links and removals, but for those of a look at a database.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const last = Number(process.env.DIE_AT);
let steps = 0;
for (const name of ['renameSync', 'linkSync', 'rmSync'] as const) {
  const real = fs[name] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [name](...args: unknown[]) {
      const isLook = args.some((path) => String(path).includes('.look-'));
      if (!isLook) steps += 1;
      if (!isLook && steps === last) process.kill(process.pid, 'SIGKILL');
      return real(...args);
    },
  });
}
syncBuiltinESMExports();
