// Preloaded into an app (`node --import`): resolves host names by a JSON file, as /etc/hosts does, but without root.
import dns from 'node:dns';
import { readFileSync } from 'node:fs';

const { lookup } = dns;
const file = process.env.TEST_NAMES as string;

dns.lookup = Object.assign(
  (hostname: string, options: object, callback: (error: Error | null, found?: unknown) => void) => {
    const addresses = (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string[]>)[hostname];
    if (addresses === undefined) return lookup(hostname, options, callback as never);
    const found = addresses.map((address) => ({ address, family: 4 }));
    setImmediate(callback, null, found);
  },
  lookup,
) as typeof dns.lookup;
