import { existsSync } from 'node:fs';
import type { Service } from '../../src/framework/service/define-service.ts';

const file = new URL('../../src/services/auth/index.ts', import.meta.url);

/** The auth service. Undefined if the product has deleted it: tests that need it are skipped. */
export const authService: Service | undefined = existsSync(file)
  ? ((await import(file.href)) as { default: Service }).default
  : undefined;
