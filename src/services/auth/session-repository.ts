import { and, asc, type Database, eq, formatInstant, nowMicros, sql } from '#framework/database';
import type { AccountRepository } from './account-repository.ts';
import type { EmitAuthEvent } from './schemas.ts';
import { accounts, sessions } from './tables.ts';

export type SessionRepository = ReturnType<typeof createSessionRepository>;

/** A session with the account that it belongs to. */
export type SessionRecord = NonNullable<Awaited<ReturnType<SessionRepository['find']>>>;

export interface NewSession {
  readonly id: string;
  readonly accountId: number;
  readonly secret: string;
  readonly agent: string;
  readonly now: number;
  readonly ends: number;
  readonly idleEnds: number;
}

/** The maximum number of sessions of an account. A login past it ends the oldest session. */
const maxSessions = 100;

const { placeholder } = sql;

/** Creates the queries for sessions. Each session that ends before its time emits `session.ended` in the same write. */
export function createSessionRepository(
  database: Database,
  accountQueries: AccountRepository,
  emit: EmitAuthEvent,
) {
  const { write } = database;
  const statements = prepareStatements(database);

  /** Ends a session, within a write. Resolves with whether it was there. */
  async function endOne(id: string, accountId: number): Promise<boolean> {
    const isRemoved = (await statements.remove.run({ id, accountId })).changes > 0;
    if (isRemoved) await emit('session.ended', { subject: id, data: { session_id: id, user_id: accountId } });
    return isRemoved;
  }

  /** Ends the sessions of an account, within a write. Resolves with their number. */
  async function endSome(
    accountId: number,
    isEnded: (id: string, index: number, ids: readonly string[]) => boolean,
  ): Promise<number> {
    const ids = (await statements.selectIds.all({ accountId })).map(({ id }) => id).filter(isEnded);
    for (const id of ids) await endOne(id, accountId);
    return ids.length;
  }

  return {
    /**
     * Creates a session. Resolves with false, without a change, if the account was blocked or got another password
     * since `checkedHash` was read.
     * @param newHash replaces the hash of the password.
     */
    create({ accountId, ...session }: NewSession, checkedHash: string, newHash: string | undefined) {
      return write(async () => {
        const account = await statements.lockAccount.get({ accountId });
        if (account?.password_hash !== checkedHash || account.is_blocked !== 0) return false;
        if (newHash !== undefined) await accountQueries.setPassword(accountId, newHash);
        await endSome(accountId, (_id, index, ids) => index <= ids.length - maxSessions);
        await statements.insert.run({ ...session, accountId, createdAt: nowMicros() });
        return true;
      });
    },
    /** Finds a session that has not ended, of an account that is not blocked. */
    find: (id: string, now: number) => statements.select.get({ id, now }),
    /** Lists the sessions of an account, the oldest first. */
    async list(accountId: number, now: number) {
      const rows = await statements.selectOfAccount.all({ accountId, now });
      return rows.map(({ id, agent, created_at, rotated_ms, ends_ms, idle_ends_ms }) => ({
        ...{ id, agent, created_at },
        refreshed_at: formatInstant(rotated_ms * 1000),
        idle_ends_at: formatInstant(idle_ends_ms * 1000),
        ends_at: formatInstant(ends_ms * 1000),
      }));
    },
    /**
     * Makes the next refresh token the current one, if `counter` is still the number of the current one. Resolves with
     * whether it was.
     */
    async rotate(
      id: string,
      counter: number,
      times: { now: number; idleEnds: number },
      keyHash: string | null,
    ) {
      return (await statements.rotate.run({ id, counter, ...times, keyHash })).changes > 0;
    },
    /** Ends a session of an account. Resolves with whether it was there. */
    end: (id: string, accountId: number) => write(() => endOne(id, accountId)),
    /** Ends the sessions of an account, also as a part of a write. Resolves with their number. */
    endAll: (accountId: number, exceptId?: string) => endSome(accountId, (id) => id !== exceptId),
    prune: (now: number) => statements.prune.run({ now }),
  };
}

function prepareStatements({ orm, prepare, prepareLocking }: Database) {
  const byId = eq(sessions.id, placeholder('id'));
  const ofAccount = eq(sessions.account_id, placeholder('accountId'));
  const isAlive = sql`${sessions.idle_ends_ms} > ${placeholder('now')}`;

  const lockAccount = prepareLocking(
    orm
      .select({ password_hash: accounts.password_hash, is_blocked: accounts.is_blocked })
      .from(accounts)
      .where(eq(accounts.id, placeholder('accountId'))),
  );
  const insert = prepare(
    orm.insert(sessions).values({
      id: placeholder('id'),
      account_id: placeholder('accountId'),
      counter: 1,
      secret: placeholder('secret'),
      key_hash: null,
      agent: placeholder('agent'),
      created_at: sql`${placeholder('createdAt')}`,
      rotated_ms: placeholder('now'),
      ends_ms: placeholder('ends'),
      idle_ends_ms: placeholder('idleEnds'),
    }),
  );
  const select = prepare(
    orm
      .select({
        id: sessions.id,
        account_id: sessions.account_id,
        counter: sessions.counter,
        secret: sessions.secret,
        key_hash: sessions.key_hash,
        rotated_ms: sessions.rotated_ms,
        ends_ms: sessions.ends_ms,
        scopes: accounts.scopes,
      })
      .from(sessions)
      .innerJoin(accounts, eq(accounts.id, sessions.account_id))
      .where(and(byId, isAlive, eq(accounts.is_blocked, 0))),
  );
  const selectOfAccount = prepare(
    orm
      .select()
      .from(sessions)
      .where(and(ofAccount, isAlive))
      .orderBy(asc(sessions.created_at), asc(sessions.id)),
  );
  const selectIds = prepare(
    orm
      .select({ id: sessions.id })
      .from(sessions)
      .where(ofAccount)
      .orderBy(asc(sessions.created_at), asc(sessions.id)),
  );
  const rotate = prepare(
    orm
      .update(sessions)
      .set({
        counter: sql`${sessions.counter} + 1`,
        rotated_ms: sql`${placeholder('now')}`,
        key_hash: sql`${placeholder('keyHash')}`,
        idle_ends_ms: sql`${placeholder('idleEnds')}`,
      })
      .where(and(byId, isAlive, eq(sessions.counter, placeholder('counter')))),
  );
  const remove = prepare(orm.delete(sessions).where(and(byId, ofAccount)));
  const prune = prepare(
    sql`DELETE FROM ${sessions} WHERE id IN (
      SELECT id FROM ${sessions} WHERE idle_ends_ms <= ${placeholder('now')} ORDER BY idle_ends_ms LIMIT 1000)`,
  );

  return { lockAccount, insert, select, selectOfAccount, selectIds, rotate, remove, prune };
}
