/** The databases of the benchmark. Databases with the same name are created once. */
import type { Shape } from './seed.ts';

type Named = readonly [name: string, shape: Shape];

const repeat = (count: number, pets: number): number[] => Array.from({ length: count }, () => pets);

export const usual: Named = ['usual', { pets: 1000, adoptions: repeat(1000, 3) }];

/** The same as the usual one, but new for each row that writes. */
export const written: Named = ['written', usual[1]];

export const disjoint: Named = ['disjoint', { pets: 30_000, adoptions: repeat(10_000, 3), isDisjoint: true }];

export const large = (pets: number): Named => [`large-${pets}`, { pets, adoptions: repeat(1000, 3) }];

/** Users with these numbers of pets each. No two users have the same pet. */
export const counts = [1, 10, 100, 1000];
export const usersPerCount = 100;
export const byCount: Named = [
  'by-count',
  {
    pets: 111_100,
    adoptions: counts.flatMap((pets) => repeat(usersPerCount, pets)),
    isDisjoint: true,
  },
];

/** 100 users with as many pets as a user can have, and 100 with three. No two users have the same pet. */
export const lopsided: Named = [
  'lopsided',
  { pets: 100_300, adoptions: [...repeat(100, 1000), ...repeat(100, 3)], isDisjoint: true },
];
