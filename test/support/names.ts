import dns from 'node:dns';
import type { TestContext } from 'vitest';

/** Host names that the test resolves itself, with their addresses now. All other names are left to the system. */
export function nameHosts(t: TestContext): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  const { lookup } = dns;
  dns.lookup = Object.assign(
    (hostname: string, options: object, callback: (error: Error | null, found?: unknown) => void) => {
      const addresses = names.get(hostname);
      if (addresses === undefined) return lookup(hostname, options, callback as never);
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      const error = found.length === 0 ? Object.assign(new Error('no address'), { code: 'ENOTFOUND' }) : null;
      setImmediate(callback, error, found);
    },
    lookup,
  ) as typeof dns.lookup;
  t.onTestFinished(() => void Object.assign(dns, { lookup }));
  return names;
}
