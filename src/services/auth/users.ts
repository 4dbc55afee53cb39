import { getCaller, getLogger } from '#framework';
import type { Account } from './account-repository.ts';
import { isCommonPassword } from './common-passwords.ts';
import { passwordCommon, passwordWrong } from './errors.ts';
import type { Parts } from './parts.ts';
import { foldEmail, type User, type UserQuery } from './schemas.ts';

export type Users = ReturnType<typeof createUsers>;

/** Creates users and changes them. */
export function createUsers({ accounts, sessions, mails, passwords, throttle, options }: Parts) {
  return {
    find: async (id: number) => show(await accounts.find(id)),
    list: async (query: UserQuery) => (await accounts.list(query)).map((account) => show(account) as User),
    /**
     * Creates a user. With mail, only the mail says whether the address had an account. The work is the same in both
     * cases.
     * @returns undefined if another user has the email.
     */
    async register(given: string, password: string, address: string) {
      await throttle.countAddress(address);
      const email = foldEmail(given);
      if (isCommonPassword(password, email)) throw passwordCommon();
      const isMailed = options.mail !== undefined && (await throttle.countMail(email));
      const passwordHash = await passwords.hash(password);
      const id = await accounts.write(async () => {
        const created = await accounts.create(email, passwordHash, options.scopes.join(' '));
        if (isMailed) await mails.add(created === undefined ? 'known' : 'welcome', email, Date.now());
        return created;
      });
      return id === undefined ? undefined : { id, email };
    },
    /** Changes scopes, and blocks or unblocks. Blocking ends all sessions. Undefined: no such user. */
    async change(id: number, { scopes, blocked }: { scopes?: readonly string[]; blocked?: boolean }) {
      const change = {
        ...(scopes !== undefined && { scopes: scopes.join(' ') }),
        ...(blocked !== undefined && { isBlocked: blocked }),
      };
      const user = await accounts.write(async () => {
        const account = await accounts.change(id, change);
        if (blocked === true) await sessions.endAll(id);
        return show(account);
      });
      if (user !== undefined)
        getLogger().info({ user: id, scopes, blocked, by: getCaller().sub }, 'a user was changed');
      return user;
    },
    /**
     * Changes the password of a user who knows the old password, and ends its other sessions.
     * @returns false if there is no such user.
     * @throws {Problem} 403 if the old password is wrong.
     */
    async changePassword(
      id: number,
      { old, new: wanted }: { old: string; new: string },
      { address, session }: { address: string; session: string | undefined },
    ): Promise<boolean> {
      const account = await accounts.find(id);
      if (account === undefined) return false;
      if (isCommonPassword(wanted, account.email)) throw passwordCommon();
      const attempt = await throttle.begin(account.email, address);
      let passwordHash: string | undefined;
      try {
        const isRight = await passwords.verify(account.password_hash, old);
        passwordHash = isRight ? await passwords.hash(wanted) : undefined;
      } catch (error) {
        await attempt.cancel();
        throw error;
      }
      if (passwordHash === undefined) throw passwordWrong();
      const newHash = passwordHash;
      const isChanged = await accounts.write(async () => {
        if (!(await accounts.replacePassword(id, account.password_hash, newHash))) return false;
        await mails.removeResets(id);
        await sessions.endAll(id, session);
        return true;
      });
      if (!isChanged) throw passwordWrong();
      await attempt.succeed();
      getLogger().info({ user: id }, 'a user has changed its password');
      return true;
    },
  };
}

function show(account: Account | undefined): User | undefined {
  if (account === undefined) return undefined;
  const { id, email, scopes, is_blocked, created_at } = account;
  return { id, email, scopes: toList(scopes), blocked: is_blocked !== 0, created_at };
}

function toList(scopes: string): string[] {
  return scopes.split(' ').filter((scope) => scope !== '');
}
