import { type Static, Type } from '@sinclair/typebox';
import { Id, listQuery, nullable, Timestamp, text } from '#framework';

/** The maximum number of pets of a user. */
export const maxAdoptions = 1000;

const Name = text({ minLength: 1, maxLength: 200, examples: ['Alice'] });

export const UserId = Type.Object({ user_id: Id });
export const AdoptionId = Type.Object({ user_id: Id, pet_id: Id });

/** A pet in the response of the pet service. The user service stores only the id. */
export const AdoptedPet = Type.Object(
  {
    name: Type.String({ examples: ['Rex'] }),
    species: Type.String({ examples: ['dog'] }),
    age: nullable(Type.Integer({ examples: [3] })),
    mood: Type.String({ examples: ['happy'] }),
    id: Id,
    last_fed: Timestamp,
    last_interaction: Timestamp,
  },
  { $id: 'Pet' },
);

export const User = Type.Object(
  {
    name: Name,
    id: Id,
    pets: Type.Array(Type.Unsafe<Static<typeof AdoptedPet>>({ $ref: 'Pet#' }), {
      description: 'In the order of adoption; deleted pets are not shown',
    }),
  },
  { $id: 'User' },
);
export type User = Static<typeof User>;

export const UserCreate = Type.Object({ name: Name }, { $id: 'UserCreate' });
export type UserCreate = Static<typeof UserCreate>;

export const UserUpdate = Type.Partial(
  Type.Object({
    name: Name,
    pets_ids: Type.Array(Id, {
      maxItems: 2 * maxAdoptions,
      description: `Replaces the adoptions, in this order; a repeated id counts once; at most ${maxAdoptions}`,
      examples: [[1]],
    }),
  }),
  { $id: 'UserUpdate' },
);
export type UserUpdate = Static<typeof UserUpdate>;

export const UserQuery = listQuery(User, { filter: ['name'], sort: ['name'] });
