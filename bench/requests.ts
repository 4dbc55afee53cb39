/** The requests of the clients. They are the same in every run, and spread over all data. */
import type { Request } from './load.ts';
import { random } from './random.ts';

const count = 5000;

/** Random pets of `total`. */
export const pets = (total = 1000) => spread((next) => `/pet/pets/${1 + next(total)}`);

/** Random users of `total`, from the id `first` on. */
export const users = (total = 1000, first = 1) => spread((next) => `/user/users/${first + next(total)}`);

/** Each of these users in turn, so that concurrent requests are for different users and share no lookups. */
export function usersInTurn(total: number, first: number): Request[] {
  return Array.from({ length: total }, (_, index) => ({
    method: 'GET',
    path: `/user/users/${first + index}`,
  }));
}

/** Random pages of 100 users of `total`. With `step` 100 no two pages overlap. */
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

export function newUsers(): Request[] {
  return Array.from({ length: count }, (_, index) => ({
    method: 'POST',
    path: '/user/users/',
    body: { name: `New ${index}` },
  }));
}

/** All kinds: of ten requests, five read a pet, three a user, one a page, and one creates a pet. */
export function mixed(): Request[] {
  const kinds = [pets(), users(), pages(), newPets()];
  const turns = [0, 1, 0, 2, 0, 1, 0, 3, 0, 1];
  return pets().map((_, index) => kinds[turns[index % turns.length] as number]?.[index] as Request);
}

function spread(path: (next: (limit: number) => number) => string): Request[] {
  const next = random(3);
  return Array.from({ length: count }, () => ({ method: 'GET', path: path(next) }));
}
