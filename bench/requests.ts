/** What the clients ask for: the same in every run, spread over all there is. */
import type { Request } from './load.ts';
import { random } from './random.ts';

const count = 5000;

/** Pets of `total`, by chance. */
export const pets = (total = 1000) => spread((next) => `/pet/pets/${1 + next(total)}`);

/** Users of `total` from the id `first` on, by chance. */
export const users = (total = 1000, first = 1) => spread((next) => `/user/users/${first + next(total)}`);

/** Each of these users in turn: no two that are asked for at the same time are the same, and share their pets. */
export function usersInTurn(total: number, first: number): Request[] {
  return Array.from({ length: total }, (_, index) => ({
    method: 'GET',
    path: `/user/users/${first + index}`,
  }));
}

/** Pages of 100 users of `total`; each may begin with any user, unless they are not to overlap. */
export function pages(total = 1000, step = 1): Request[] {
  return spread((next) => `/user/users/?limit=100&offset=${step * next((total - 100) / step + 1)}`);
}

export function newPets(): Request[] {
  return Array.from({ length: count }, (_, index) => ({
    method: 'POST',
    path: '/pet/pets/',
    body: { name: `New ${index}`, species: 'dog', age: index % 20 },
  }));
}

/** Something of everything: of ten requests five for a pet, three for a user, one for a page, and a new pet. */
export function mixed(): Request[] {
  const kinds = [pets(), users(), pages(), newPets()];
  const turns = [0, 1, 0, 2, 0, 1, 0, 3, 0, 1];
  return pets().map((_, index) => kinds[turns[index % turns.length] as number]?.[index] as Request);
}

function spread(path: (next: (limit: number) => number) => string): Request[] {
  const next = random(3);
  return Array.from({ length: count }, () => ({ method: 'GET', path: path(next) }));
}
