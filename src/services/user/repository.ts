import { and, asc, type Database, eq, prepareList, sql } from '#framework/database';
import { maxAdoptions, UserQuery } from './schemas.ts';
import { adoptions, users } from './tables.ts';

export type UserRepository = ReturnType<typeof createUserRepository>;

/** A stored user, with the ids of its pets in the order of adoption. */
export interface UserRecord {
  readonly id: number;
  readonly name: string;
  readonly pets_ids: readonly number[];
}

const { placeholder } = sql;

/** Creates the queries for users and their adoptions. */
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

  const selectAll = () => orm.select(record).from(users);

  const select = prepare(selectAll().where(byId));
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
  const deleteOfPet = prepare(orm.delete(adoptions).where(eq(adoptions.pet_id, placeholder('petId'))));

  return {
    find: (id: number) => select.get({ id }),
    list: prepareList(database, users, UserQuery, selectAll),
    async create(name: string): Promise<UserRecord> {
      return { ...(await insert.get({ name })), name, pets_ids: [] };
    },
    /**
     * Changes the given fields, and resolves with the user. Undefined: no such user.
     * @param change `petIds` replaces the adoptions and has no repeated id.
     */
    update(id: number, change: { name?: string; petIds?: readonly number[] }) {
      return write(async () => {
        if ((await rename.run({ id, name: change.name ?? null })).changes === 0) return undefined;
        if (change.petIds !== undefined) {
          await deleteAdoptions.run({ id });
          await insertAdoptions.run({ id, petIds: change.petIds });
        }
        return select.get({ id });
      });
    },
    /** Resolves with whether the user existed. */
    remove: async (id: number) => (await remove.run({ id })).changes > 0,
    /**
     * Adds an adoption unless the user has the maximum, and resolves with the user. Undefined: no such user.
     * @param deleted pets that do not exist any more: their adoptions end first.
     */
    addAdoption(id: number, petId: number, deleted: readonly number[]) {
      return write(async () => {
        if ((await lock.get({ id })) === undefined) return undefined;
        for (const one of deleted) await deleteAdoption.run({ id, petId: one });
        const { count } = (await countAdoptions.get({ id })) ?? { count: 0 };
        if (count < maxAdoptions) await insertAdoption.run({ id, petId });
        return select.get({ id });
      });
    },
    /** Ends all adoptions of a pet. */
    removeAdoptionsOf: (petId: number) => deleteOfPet.run({ petId }),
    /** Removes an adoption, and resolves with the user. Undefined: no such adoption. */
    removeAdoption(id: number, petId: number) {
      return write(async () => {
        const { changes } = await deleteAdoption.run({ id, petId });
        return changes > 0 ? select.get({ id }) : undefined;
      });
    },
  };
}
