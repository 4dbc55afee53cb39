import { asc, type Database, eq, preparePages, type SQL, sql } from '#framework/database';
import { formatInstant, nowMicros } from './instant.ts';
import type { Pet, PetCreate, PetQuery, PetUpdate } from './schemas.ts';
import { pets } from './tables.ts';

export type PetRepository = ReturnType<typeof createPetRepository>;

const { placeholder } = sql;

/** A new time of a pet is later than all it had, whatever the clock says and whoever wrote them. */
const now = sql`CASE WHEN ${placeholder('now')} > ${pets.last_interaction}
  THEN ${placeholder('now')} ELSE ${pets.last_interaction} + 1 END`;

/** The pets in the database. What takes an id resolves with undefined where there is no such pet. */
export function createPetRepository(database: Database) {
  const { orm, prepare, oneOf } = database;
  const byId = eq(pets.id, placeholder('id'));

  const select = prepare(orm.select().from(pets).where(byId));
  const selectPage = preparePages(
    database,
    pets.id,
    orm.select().from(pets).orderBy(asc(pets.id)).limit(placeholder('limit')).offset(placeholder('offset')),
  );
  const selectSome = prepare(orm.select().from(pets).where(oneOf(pets.id, 'ids')).orderBy(asc(pets.id)));
  const insert = prepare(
    orm
      .insert(pets)
      .values({
        name: placeholder('name'),
        species: placeholder('species'),
        age: placeholder('age'),
        mood: placeholder('mood'),
        last_fed: sql`${placeholder('now')}`,
        last_interaction: sql`${placeholder('now')}`,
      })
      .returning({ id: pets.id }),
  );
  const change = prepareUpdate({
    name: sql`coalesce(${placeholder('name')}, ${pets.name})`,
    species: sql`coalesce(${placeholder('species')}, ${pets.species})`,
    // null is an age like another: it says that nobody knows.
    age: sql`CASE WHEN ${placeholder('hasAge')} = 1 THEN ${placeholder('age')} ELSE ${pets.age} END`,
    mood: sql`coalesce(${placeholder('mood')}, ${pets.mood})`,
  });
  const hydrate = prepareUpdate({ last_interaction: now });
  const feed = prepareUpdate({ last_fed: now, last_interaction: now });
  const treat = prepareUpdate({ last_fed: now, last_interaction: now, mood: sql`'excited'` });
  const remove = prepare(orm.delete(pets).where(byId));

  function prepareUpdate(set: Partial<Record<keyof Pet, SQL>>) {
    return prepare(orm.update(pets).set(set).where(byId).returning());
  }

  return {
    async find(id: number): Promise<Pet | undefined> {
      return select.get({ id });
    },
    async list({ ids, ...page }: PetQuery): Promise<Pet[]> {
      return ids === undefined ? selectPage(page) : selectSome.all({ ids });
    },
    async create({ name, species, age, mood }: PetCreate): Promise<Pet> {
      const now = nowMicros();
      const { id } = await insert.get({ name, species, age, mood, now });
      const instant = formatInstant(now);
      return { name, species, age, mood, id, last_fed: instant, last_interaction: instant };
    },
    update(id: number, { name, species, age, mood }: PetUpdate): Promise<Pet | undefined> {
      const values = { name: name ?? null, species: species ?? null, mood: mood ?? null };
      const hasAge = age === undefined ? 0 : 1;
      return change.get({ id, ...values, hasAge, age: age ?? null });
    },
    hydrate(id: number): Promise<Pet | undefined> {
      return hydrate.get({ id, now: nowMicros() });
    },
    feed(id: number): Promise<Pet | undefined> {
      return feed.get({ id, now: nowMicros() });
    },
    treat(id: number): Promise<Pet | undefined> {
      return treat.get({ id, now: nowMicros() });
    },
    /** Resolves with whether there was such a pet. */
    async remove(id: number): Promise<boolean> {
      return (await remove.run({ id })).changes > 0;
    },
  };
}
