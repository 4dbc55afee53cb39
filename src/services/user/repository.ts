import type { Page } from '#framework';
import { and, asc, type Database, eq, preparePages, sql } from '#framework/database';
import { maxAdoptions } from './schemas.ts';
import { adoptions, users } from './tables.ts';

export type UserRepository = ReturnType<typeof createUserRepository>;

/** A user as the database has it: of its pets only the ids, in the order of adoption. */
export interface UserRecord {
  readonly id: number;
  readonly name: string;
  readonly pets_ids: readonly number[];
}

const { placeholder } = sql;

/** The users and their adoptions in the database. */
export function createUserRepository(database: Database) {
  const { orm, prepare, prepareLocking, list, collect, write } = database;
  const byId = eq(users.id, placeholder('id'));
  const ofUser = eq(adoptions.user_id, placeholder('id'));
  const record = {
    id: users.id,
    name: users.name,
    pets_ids: collect(
      orm
        .select({ value: sql`${adoptions.pet_id}`.as('value') })
        .from(adoptions)
        .where(eq(adoptions.user_id, users.id))
        .orderBy(asc(adoptions.id)),
    ),
  };

  const select = prepare(orm.select(record).from(users).where(byId));
  const selectPage = preparePages(
    database,
    users.id,
    orm
      .select(record)
      .from(users)
      .orderBy(asc(users.id))
      .limit(placeholder('limit'))
      .offset(placeholder('offset')),
  );
  const insert = prepare(
    orm
      .insert(users)
      .values({ name: placeholder('name') })
      .returning({ id: users.id }),
  );
  const rename = prepare(
    orm
      .update(users)
      .set({ name: sql`coalesce(${placeholder('name')}, ${users.name})` })
      .where(byId),
  );
  const remove = prepare(orm.delete(users).where(byId));
  const lock = prepareLocking(orm.select({ id: users.id }).from(users).where(byId));
  const countAdoptions = prepare(orm.select({ count: sql<number>`count(*)` }).from(adoptions).where(ofUser));
  const insertAdoption = prepare(
    orm
      .insert(adoptions)
      .values({ user_id: placeholder('id'), pet_id: placeholder('petId') })
      .onConflictDoNothing(),
  );
  const insertAdoptions = prepare(
    sql`INSERT INTO ${adoptions} (user_id, pet_id)
      SELECT CAST(${placeholder('id')} AS bigint), value FROM ${list('petIds')}`,
  );
  const deleteAdoption = prepare(
    orm.delete(adoptions).where(and(ofUser, eq(adoptions.pet_id, placeholder('petId')))),
  );
  const deleteAdoptions = prepare(orm.delete(adoptions).where(ofUser));

  return {
    async find(id: number): Promise<UserRecord | undefined> {
      return select.get({ id });
    },
    async list(page: Page): Promise<UserRecord[]> {
      return selectPage(page);
    },
    async create(name: string): Promise<UserRecord> {
      return { ...(await insert.get({ name })), name, pets_ids: [] };
    },
    /**
     * Changes what is given; `petIds`, without repetition, replaces the adoptions.
     * Resolves with the user as it is now, or undefined where there is none.
     */
    update(
      id: number,
      change: { name?: string; petIds?: readonly number[] },
    ): Promise<UserRecord | undefined> {
      return write(async () => {
        if ((await rename.run({ id, name: change.name ?? null })).changes === 0) return undefined;
        if (change.petIds !== undefined) {
          await deleteAdoptions.run({ id });
          await insertAdoptions.run({ id, petIds: change.petIds });
        }
        return select.get({ id });
      });
    },
    /** Resolves with whether there was such a user. */
    async remove(id: number): Promise<boolean> {
      return (await remove.run({ id })).changes > 0;
    },
    /**
     * Adds an adoption that does not exist, if the user has less than it can have.
     * Resolves with the user after that, or undefined if it does not exist.
     */
    addAdoption(id: number, petId: number): Promise<UserRecord | undefined> {
      return write(async () => {
        if ((await lock.get({ id })) === undefined) return undefined;
        const { count } = (await countAdoptions.get({ id })) ?? { count: 0 };
        if (count < maxAdoptions) await insertAdoption.run({ id, petId });
        return select.get({ id });
      });
    },
    /** Resolves with the user after that, or undefined if there was no such adoption. */
    removeAdoption(id: number, petId: number): Promise<UserRecord | undefined> {
      return write(async () => {
        const { changes } = await deleteAdoption.run({ id, petId });
        return changes > 0 ? select.get({ id }) : undefined;
      });
    },
  };
}
