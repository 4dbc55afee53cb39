import { afterAll } from 'vitest';
import { internalLimits } from '../../src/framework/config/limits.ts';

// Test files share a process and this object. A limit that one file changes must not change another file.
const { addresses, ...limits } = structuredClone(internalLimits);
afterAll(() => {
  Object.assign(internalLimits, limits);
  Object.assign(internalLimits.addresses, addresses);
});
