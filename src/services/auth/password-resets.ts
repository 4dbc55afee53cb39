import { hash } from 'node:crypto';
import { getLogger } from '#framework';
import { isCommonPassword } from './common-passwords.ts';
import { passwordCommon } from './errors.ts';
import type { Parts } from './parts.ts';
import { foldEmail } from './schemas.ts';

export type PasswordResets = ReturnType<typeof createPasswordResets>;

/** Resets passwords by a link in a mail. */
export function createPasswordResets({ accounts, sessions, mails, passwords, throttle }: Parts) {
  return {
    /**
     * Queues the mail. The job that sends it looks for the account, so this function does the same work for each email.
     */
    async request(email: string, address: string): Promise<void> {
      await throttle.countAddress(address);
      const folded = foldEmail(email);
      if (await throttle.countMail(folded)) await mails.add('reset', folded, Date.now());
    },
    /** Sets a password and ends all sessions. Resolves with false if the token is not valid. */
    async complete(token: string, password: string): Promise<boolean> {
      const tokenHash = hashToken(token);
      const accountId = await mails.findReset(tokenHash, Date.now());
      const account = accountId === undefined ? undefined : await accounts.find(accountId);
      if (account === undefined) return false;
      if (isCommonPassword(password, account.email)) throw passwordCommon();
      const passwordHash = await passwords.hash(password);
      const isDone = await accounts.write(async () => {
        if (!(await mails.useReset(tokenHash))) return false;
        await accounts.setPassword(account.id, passwordHash);
        await mails.removeResets(account.id);
        await sessions.endAll(account.id);
        return true;
      });
      if (isDone) getLogger().info({ user: account.id }, 'a user has reset its password');
      return isDone;
    },
  };
}

export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url');
}
