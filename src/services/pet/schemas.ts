import { type Static, Type } from '@sinclair/typebox';
import { defaulted, Id, Page, text } from '#framework';

const Text = (example: string) => text({ minLength: 1, maxLength: 200, examples: [example] });

const Age = Type.Unsafe<number | null>({
  type: ['integer', 'null'],
  minimum: 0,
  maximum: 1000,
  description: 'In years; null where it is not known',
  examples: [3],
});

const Instant = Type.String({
  format: 'date-time',
  description: 'UTC, with microseconds',
  examples: ['2024-12-18T21:03:51.790256Z'],
});

export const PetId = Type.Object({ pet_id: Id });

export const Pet = Type.Object(
  {
    name: Text('Rex'),
    species: Text('dog'),
    age: Age,
    mood: Text('happy'),
    id: Id,
    last_fed: Instant,
    last_interaction: Instant,
  },
  { $id: 'Pet' },
);
export type Pet = Static<typeof Pet>;

export const PetCreate = Type.Object(
  {
    name: Text('Rex'),
    species: Text('dog'),
    age: defaulted(Type.Unsafe<number | null>({ ...Age, default: null })),
    mood: defaulted(Type.String({ ...Text('happy'), default: 'happy' })),
  },
  { $id: 'PetCreate' },
);
export type PetCreate = Static<typeof PetCreate>;

export const PetUpdate = Type.Partial(
  Type.Object({ name: Text('Rex'), species: Text('dog'), age: Age, mood: Text('sleepy') }),
  { $id: 'PetUpdate' },
);
export type PetUpdate = Static<typeof PetUpdate>;

export const PetQuery = Type.Object({
  ...Page.properties,
  ids: Type.Optional(
    Type.Array(Id, {
      minItems: 1,
      // What users who are read at the same time have together; a URL of long ids is well below what servers take.
      maxItems: 300,
      description: 'Only these, whatever `offset` and `limit`; those that do not exist are left out',
    }),
  ),
});
export type PetQuery = Static<typeof PetQuery>;
