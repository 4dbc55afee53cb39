import type { ServiceContext } from '#framework';
import { isCommonPassword } from './common-passwords.ts';
import type { Options } from './options.ts';
import { createParts } from './parts.ts';
import { Email, type EmitAuthEvent, foldEmail, NewPassword } from './schemas.ts';

const adminScope = 'auth:admin';

/** Creates the operations of `./run.sh auth` on the database. The command imports this file by its name. */
export function createOperations(
  database: ServiceContext['database'],
  emit: EmitAuthEvent,
  options: Options,
) {
  const { accounts, sessions, mails, passwords, keys, tokens } = createParts(database, emit, options);

  return {
    /**
     * Creates an administrator. If the account exists, makes it an administrator, sets its password and ends its
     * sessions.
     */
    async setAdmin(given: string, password: string) {
      const email = foldEmail(given);
      const problem = findProblem(email, password);
      if (problem !== undefined) return { problem };
      const passwordHash = await passwords.hash(password);
      return accounts.write(async () => {
        const scopes = [...new Set([...options.scopes, adminScope])].join(' ');
        const created = await accounts.create(email, passwordHash, scopes);
        if (created !== undefined) return { id: created, isNew: true };
        const account = await accounts.findByEmail(email);
        // No query deletes an account.
        if (account === undefined) throw new Error('the account is gone');
        const { id } = account;
        const more = [...new Set([...account.scopes.split(' '), adminScope])].join(' ').trim();
        await accounts.change(id, { scopes: more, isBlocked: false });
        await accounts.setPassword(id, passwordHash);
        await mails.removeResets(id);
        await sessions.endAll(id);
        return { id, isNew: false };
      });
    },
    /** @returns how long to wait, in ms, until verifiers know the next key; 0 if the keys are rotated. */
    async rotate(isForced: boolean): Promise<number> {
      await keys.ensure();
      return keys.rotate(isForced);
    },
    async issueToken(sub: string, scope: string): Promise<string> {
      await keys.ensure();
      return tokens.issue({ sub, scope });
    },
    /** Ends the sessions of a user. Resolves with their number. */
    endSessions: (userId: number): Promise<number> => accounts.write(() => sessions.endAll(userId)),
  };
}

function findProblem(email: string, password: string): string | undefined {
  if (email.length > 254 || !new RegExp(String(Email.pattern), 'u').test(email))
    return 'Expected an email address';
  const { minLength = 0, maxLength = 0 } = NewPassword;
  // JSON Schema counts characters, not UTF-16 units.
  const { length } = [...password];
  if (length < minLength || length > maxLength)
    return `Expected a password of ${minLength} to ${maxLength} characters on standard input`;
  if (!new RegExp(String(NewPassword.pattern), 'u').test(password))
    return 'Expected a password without control characters';
  return isCommonPassword(password, email) ? 'The password is easy to guess: choose another one' : undefined;
}
