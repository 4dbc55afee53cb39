import type { ServiceContext } from '#framework';
import { createAccessTokens } from './access-tokens.ts';
import { createAccountRepository } from './account-repository.ts';
import { createAttemptRepository } from './attempt-repository.ts';
import { createKeyRepository } from './key-repository.ts';
import { createMailRepository } from './mail-repository.ts';
import type { Options } from './options.ts';
import { createPasswords } from './passwords.ts';
import type { EmitAuthEvent } from './schemas.ts';
import { createSessionRepository } from './session-repository.ts';
import { createSigningKeys } from './signing-keys.ts';
import { createThrottle } from './throttle.ts';

export type Parts = ReturnType<typeof createParts>;

/** Creates the parts of the service that its routes and its command share. */
export function createParts(database: ServiceContext['database'], emit: EmitAuthEvent, options: Options) {
  const accounts = createAccountRepository(database);
  const sessions = createSessionRepository(database, accounts, emit);
  const mails = createMailRepository(database);
  const passwords = createPasswords();
  const throttle = createThrottle(createAttemptRepository(database));
  const keys = createSigningKeys(createKeyRepository(database), options.access * 1000);
  const tokens = createAccessTokens(keys, options);
  return { accounts, sessions, mails, passwords, throttle, keys, tokens, options };
}
