import { type Database, eq, sql } from '#framework/database';
import { signingKeys } from './tables.ts';

export type KeyRepository = ReturnType<typeof createKeyRepository>;
export type SigningKey = typeof signingKeys.$inferSelect;
export type NewKey = Pick<SigningKey, 'kid' | 'private_key' | 'public_key'>;

const { placeholder } = sql;

/** Creates the queries for the keys that sign access tokens. */
export function createKeyRepository({ orm, prepare, prepareLocking, write }: Database) {
  const selectAll = () => orm.select().from(signingKeys);
  const rank = sql`CASE ${signingKeys.role} WHEN 'next' THEN 2 WHEN 'current' THEN 1 ELSE 0 END`;
  const select = prepare(selectAll().orderBy(rank, signingKeys.ends_ms));
  const lock = prepareLocking(selectAll().where(sql`${signingKeys.role} IS NOT NULL`));
  const insert = prepare(
    orm
      .insert(signingKeys)
      .values({
        kid: placeholder('kid'),
        role: placeholder('role'),
        private_key: placeholder('private_key'),
        public_key: placeholder('public_key'),
        created_ms: placeholder('now'),
        ends_ms: null,
      })
      .onConflictDoNothing(),
  );
  const retire = prepare(
    orm
      .update(signingKeys)
      .set({ role: null, ends_ms: sql`${placeholder('ends')}` })
      .where(eq(signingKeys.role, 'current')),
  );
  const promote = prepare(
    orm.update(signingKeys).set({ role: 'current' }).where(eq(signingKeys.role, 'next')),
  );
  const prune = prepare(orm.delete(signingKeys).where(sql`${signingKeys.ends_ms} <= ${placeholder('now')}`));

  return {
    /** Lists the keys in the order in which they sign: previous keys, the current one, the next one. */
    list: () => select.all(),
    /** Adds keys for the roles that no key has. */
    fill: (keys: { readonly current: NewKey; readonly next: NewKey }, now: number) =>
      write(async () => {
        await insert.run({ ...keys.current, role: 'current', now });
        await insert.run({ ...keys.next, role: 'next', now });
      }),
    /**
     * Makes the next key the current one, if `mayPromote` returns true for it.
     * @param next the key that becomes the next one.
     * @param times `ends` is the end of the last token of the current key.
     * @returns whether the keys changed.
     */
    rotate: (next: NewKey, mayPromote: (key: SigningKey) => boolean, times: { now: number; ends: number }) =>
      write(async () => {
        await lock.all();
        // PostgreSQL shows the rows of another rotation, for which the lock waited, only to a later statement.
        const key = (await select.all()).find(({ role }) => role === 'next');
        if (key === undefined || !mayPromote(key)) return false;
        await retire.run({ ends: times.ends });
        await promote.run();
        await insert.run({ ...next, role: 'next', now: times.now });
        return true;
      }),
    prune: (now: number) => prune.run({ now }),
  };
}
