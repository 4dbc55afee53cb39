import { and, type Database, eq, nowMicros, prepareList, sql } from '#framework/database';
import { UserQuery } from './schemas.ts';
import { accounts } from './tables.ts';

export type AccountRepository = ReturnType<typeof createAccountRepository>;
export type Account = typeof accounts.$inferSelect;

/** The columns that an administrator may change. */
export interface AccountChange {
  readonly scopes?: string;
  readonly isBlocked?: boolean;
}

const { placeholder } = sql;

/** Creates the queries for accounts. Emails are folded. */
export function createAccountRepository(database: Database) {
  const { orm, prepare, write } = database;
  const byId = eq(accounts.id, placeholder('id'));
  const selectAll = () => orm.select().from(accounts);

  const select = prepare(selectAll().where(byId));
  const selectByEmail = prepare(selectAll().where(eq(accounts.email, placeholder('email'))));
  const insert = prepare(
    orm
      .insert(accounts)
      .values({
        email: placeholder('email'),
        password_hash: placeholder('passwordHash'),
        scopes: placeholder('scopes'),
        is_blocked: 0,
        created_at: sql`${placeholder('now')}`,
      })
      .onConflictDoNothing()
      .returning({ id: accounts.id }),
  );
  const setPassword = prepare(
    orm
      .update(accounts)
      .set({ password_hash: sql`${placeholder('passwordHash')}` })
      .where(byId),
  );
  const replacePassword = prepare(
    orm
      .update(accounts)
      .set({ password_hash: sql`${placeholder('passwordHash')}` })
      .where(and(byId, eq(accounts.password_hash, placeholder('oldHash')))),
  );
  const change = prepare(
    orm
      .update(accounts)
      .set({
        scopes: sql`coalesce(${placeholder('scopes')}, ${accounts.scopes})`,
        is_blocked: sql`coalesce(CAST(${placeholder('isBlocked')} AS bigint), ${accounts.is_blocked})`,
      })
      .where(byId)
      .returning(),
  );

  return {
    find: (id: number) => select.get({ id }),
    findByEmail: (email: string) => selectByEmail.get({ email }),
    list: prepareList(database, accounts, UserQuery, selectAll),
    /** Resolves with the id of the new account. Undefined: another account has the email. */
    async create(email: string, passwordHash: string, scopes: string): Promise<number | undefined> {
      const row = await insert.get({ email, passwordHash, scopes, now: nowMicros() });
      return row?.id;
    },
    setPassword: (id: number, passwordHash: string) => setPassword.run({ id, passwordHash }),
    /** Resolves with whether the account still had the old hash. */
    replacePassword: async (id: number, oldHash: string, passwordHash: string) =>
      (await replacePassword.run({ id, oldHash, passwordHash })).changes > 0,
    /** Changes the given fields. Undefined: no such account. */
    change(id: number, { scopes, isBlocked }: AccountChange): Promise<Account | undefined> {
      const blocked = isBlocked === undefined ? null : Number(isBlocked);
      return change.get({ id, scopes: scopes ?? null, isBlocked: blocked });
    },
    /** Runs queries of this and other repositories of the service in one write. */
    write,
  };
}
