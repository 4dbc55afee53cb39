import { type Database, eq, formatInstant, nowMicros, prepareList, type SQL, sql } from '#framework/database';
import { type EmitPetEvent, type Pet, type PetCreate, PetQuery, type PetUpdate } from './schemas.ts';
import { pets } from './tables.ts';

export type PetRepository = ReturnType<typeof createPetRepository>;

const { placeholder } = sql;

/** A new time of a pet: later than the last time, also after a clock step or a write by another process. */
const now = sql`CASE WHEN ${placeholder('now')} > ${pets.last_interaction}
  THEN ${placeholder('now')} ELSE ${pets.last_interaction} + 1 END`;

/**
 * Creates the queries for pets. Queries for a pet by id resolve with undefined if the pet does not exist. Each change
 * emits its event in the same write.
 */
export function createPetRepository(database: Database, emit: EmitPetEvent) {
  const { orm, prepare, write } = database;
  const byId = eq(pets.id, placeholder('id'));
  const selectAll = () => orm.select().from(pets);

  const select = prepare(selectAll().where(byId));
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
    // Null is a valid age, so `hasAge` says whether the age changes.
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

  /** Runs a statement that changes a pet. */
  function update(run: () => Promise<Pet | undefined>): Promise<Pet | undefined> {
    return write(async () => {
      const pet = await run();
      if (pet !== undefined) await emit('pet.updated', { subject: pet.id, data: pet });
      return pet;
    });
  }

  return {
    find: (id: number) => select.get({ id }),
    list: prepareList(database, pets, PetQuery, selectAll),
    create({ name, species, age, mood }: PetCreate): Promise<Pet> {
      const now = nowMicros();
      const instant = formatInstant(now);
      return write(async () => {
        const { id } = await insert.get({ name, species, age, mood, now });
        const pet = { name, species, age, mood, id, last_fed: instant, last_interaction: instant };
        await emit('pet.created', { subject: id, data: pet });
        return pet;
      });
    },
    update(
      id: number,
      { name = null, species = null, age, mood = null }: Nullable<PetUpdate>,
    ): Promise<Pet | undefined> {
      const values = { id, name, species, mood, hasAge: age === undefined ? 0 : 1, age: age ?? null };
      return update(() => change.get(values));
    },
    hydrate: (id: number) => update(() => hydrate.get({ id, now: nowMicros() })),
    feed: (id: number) => update(() => feed.get({ id, now: nowMicros() })),
    treat: (id: number) => update(() => treat.get({ id, now: nowMicros() })),
    /** Resolves with whether the pet existed. */
    remove: (id: number) =>
      write(async () => {
        const isRemoved = (await remove.run({ id })).changes > 0;
        if (isRemoved) await emit('pet.deleted', { subject: id, data: { id } });
        return isRemoved;
      }),
  };
}

type Nullable<Fields> = { [Name in keyof Fields]: Fields[Name] | null };
