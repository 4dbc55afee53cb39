import { and, asc, type Database, eq, sql } from '#framework/database';
import { mails, resets } from './tables.ts';

export type MailRepository = ReturnType<typeof createMailRepository>;
export type MailKind = 'reset' | 'welcome' | 'known';
export type MailRecord = typeof mails.$inferSelect;

/** The life of the link in a mail. */
export const linkMs = 30 * 60_000;

const { placeholder } = sql;

/** Creates the queries for mails to send and for the tokens in them. */
export function createMailRepository({ orm, prepare }: Database) {
  const insert = prepare(
    orm
      .insert(mails)
      .values({
        kind: placeholder('kind'),
        email: placeholder('email'),
        tries: 0,
        due_ms: placeholder('now'),
      })
      .onConflictDoNothing(),
  );
  const selectDue = prepare(
    orm
      .select()
      .from(mails)
      .where(sql`${mails.due_ms} <= ${placeholder('now')}`)
      .orderBy(asc(mails.due_ms))
      .limit(20),
  );
  const claim = prepare(
    orm
      .update(mails)
      .set({ tries: sql`${mails.tries} + 1`, due_ms: sql`${placeholder('due')}` })
      .where(and(eq(mails.id, placeholder('id')), eq(mails.tries, placeholder('tries')))),
  );
  const remove = prepare(orm.delete(mails).where(eq(mails.id, placeholder('id'))));

  const insertReset = prepare(
    orm.insert(resets).values({
      hash: placeholder('hash'),
      account_id: placeholder('accountId'),
      ends_ms: placeholder('ends'),
    }),
  );
  const selectReset = prepare(
    orm
      .select({ account_id: resets.account_id })
      .from(resets)
      .where(and(eq(resets.hash, placeholder('hash')), sql`${resets.ends_ms} > ${placeholder('now')}`)),
  );
  const removeReset = prepare(orm.delete(resets).where(eq(resets.hash, placeholder('hash'))));
  const removeResets = prepare(orm.delete(resets).where(eq(resets.account_id, placeholder('accountId'))));
  const pruneResets = prepare(orm.delete(resets).where(sql`${resets.ends_ms} <= ${placeholder('now')}`));

  return {
    /** Adds a mail, unless a mail of this kind waits for the same address. */
    add: (kind: MailKind, email: string, now: number) => insert.run({ kind, email, now }),
    due: (now: number) => selectDue.all({ now }),
    /** Counts a try, and keeps other processes from the mail until `due`. Resolves with whether this process may send it. */
    claim: async ({ id, tries }: MailRecord, due: number) =>
      (await claim.run({ id, tries, due })).changes > 0,
    remove: (id: number) => remove.run({ id }),
    addReset: (hash: string, accountId: number, ends: number) => insertReset.run({ hash, accountId, ends }),
    /** Resolves with the account of a token that has not ended. */
    findReset: async (hash: string, now: number) => (await selectReset.get({ hash, now }))?.account_id,
    /** Uses a token. Resolves with false if another request has used it. */
    useReset: async (hash: string) => (await removeReset.run({ hash })).changes > 0,
    removeResets: (accountId: number) => removeResets.run({ accountId }),
    pruneResets: (now: number) => pruneResets.run({ now }),
  };
}
