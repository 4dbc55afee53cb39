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
  const { orm, prepare, write } = database;
  const byId = eq(users.id, placeholder('id'));
  const ofUser = eq(adoptions.user_id, placeholder('id'));
  const record = {
    id: users.id,
    name: users.name,
    // Names in full: of a column given to a select of one table, Drizzle leaves the table out.
    pets_ids: sql`(
      SELECT json_group_array(pet_id) FROM (
        SELECT adoption.pet_id FROM adoption WHERE adoption.user_id = user.id ORDER BY adoption.id
      )
    )`.mapWith((ids: string) => JSON.parse(ids) as number[]),
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
  const insert = prepare(orm.insert(users).values({ name: placeholder('name') }));
  const rename = prepare(
    orm
      .update(users)
      .set({ name: sql`coalesce(${placeholder('name')}, ${users.name})` })
      .where(byId),
  );
  const remove = prepare(orm.delete(users).where(byId));
  const insertAdoption = prepare(
    orm
      .insert(adoptions)
      .select(
        sql`SELECT NULL, ${users.id}, ${placeholder('petId')} FROM ${users} WHERE ${byId}
        AND (SELECT count(*) FROM ${adoptions} WHERE ${ofUser}) < ${maxAdoptions}`,
      )
      .onConflictDoNothing(),
  );
  const insertAdoptions = prepare(
    orm
      .insert(adoptions)
      .select(sql`SELECT NULL, ${placeholder('id')}, value FROM json_each(${placeholder('petIds')})`),
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
    create(name: string): Promise<UserRecord> {
      return write(() => ({ id: Number(insert.run({ name }).lastInsertRowid), name, pets_ids: [] }));
    },
    /**
     * Changes what is given; `petIds`, without repetition, replaces the adoptions.
     * Resolves with the user as it is now, or undefined where there is none.
     */
    update(
      id: number,
      change: { name?: string; petIds?: readonly number[] },
    ): Promise<UserRecord | undefined> {
      return write(() => {
        if (rename.run({ id, name: change.name ?? null }).changes === 0) return undefined;
        if (change.petIds !== undefined) {
          deleteAdoptions.run({ id });
          insertAdoptions.run({ id, petIds: JSON.stringify(change.petIds) });
        }
        return select.get({ id });
      });
    },
    /** Resolves with whether there was such a user. */
    remove(id: number): Promise<boolean> {
      return write(() => remove.run({ id }).changes > 0);
    },
    /**
     * Adds an adoption that does not exist, if the user has less than it can have.
     * Resolves with the user after that, or undefined if it does not exist.
     */
    addAdoption(id: number, petId: number): Promise<UserRecord | undefined> {
      return write(() => {
        insertAdoption.run({ id, petId });
        return select.get({ id });
      });
    },
    /** Resolves with the user after that, or undefined if there was no such adoption. */
    removeAdoption(id: number, petId: number): Promise<UserRecord | undefined> {
      return write(() => (deleteAdoption.run({ id, petId }).changes > 0 ? select.get({ id }) : undefined));
    },
  };
}
