/**
 * Loaded into a server by `--import`: prints "held" when the server imports the module whose URL ends with HOLD_IMPORT,
 * and prevents that module from running.
 */
import { registerHooks } from 'node:module';

const held = process.env.HOLD_IMPORT as string;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(held)) return loaded;
    const hold = "console.log('held'); await new Promise((resume) => setTimeout(resume, 600_000));";
    return { ...loaded, source: `${hold}\n${loaded.source}` };
  },
});
