import { type Static, Type } from '@sinclair/typebox';
import { defaulted, type Emit, Id, listQuery, nullable, Timestamp, text } from '#framework';

const description = 'In years; null if it is not known';

const Name = text({ minLength: 1, maxLength: 200, examples: ['Rex'] });
const Species = text({ minLength: 1, maxLength: 200, examples: ['dog'] });
const Age = nullable(Type.Integer({ minimum: 0, maximum: 1000, description, examples: [3] }));
const Mood = text({ minLength: 1, maxLength: 200, examples: ['happy'] });

export const PetId = Type.Object({ pet_id: Id });

export const Pet = Type.Object(
  {
    name: Name,
    species: Species,
    age: Age,
    mood: Mood,
    id: Id,
    last_fed: Timestamp,
    last_interaction: Timestamp,
  },
  { $id: 'Pet' },
);
export type Pet = Static<typeof Pet>;

/** The schema of the data of each event. */
export const petEvents = {
  'pet.created': Pet,
  'pet.updated': Pet,
  'pet.deleted': Type.Object({ id: Id }),
};
export type EmitPetEvent = Emit<typeof petEvents>;

export const PetCreate = Type.Object(
  {
    name: Name,
    species: Species,
    age: defaulted({ ...Age, default: null }),
    mood: defaulted({ ...Mood, default: 'happy' }),
  },
  { $id: 'PetCreate' },
);
export type PetCreate = Static<typeof PetCreate>;

export const PetUpdate = Type.Partial(Type.Object({ name: Name, species: Species, age: Age, mood: Mood }), {
  $id: 'PetUpdate',
});
export type PetUpdate = Static<typeof PetUpdate>;

export const PetQuery = listQuery(Pet, {
  filter: ['species', 'mood'],
  sort: ['name', 'age'],
  // The size of a batched call. A URL with 300 long ids has 6,400 characters; `limits.url` allows 8,192.
  ids: 300,
});
