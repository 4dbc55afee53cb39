/** What is measured, and what is aimed at. */
import { peer, product } from './contenders.ts';
import { pair } from './pair.ts';
import * as requests from './requests.ts';
import type { Row } from './result.ts';
import type { Shape } from './seed.ts';
import { start } from './start.ts';

const repeat = (count: number, pets: number) => Array.from({ length: count }, () => pets);

const usual: readonly [string, Shape] = ['usual', { pets: 1000, adoptions: repeat(1000, 3) }];
const disjoint: readonly [string, Shape] = [
  'disjoint',
  { pets: 30_000, adoptions: repeat(10_000, 3), isDisjoint: true },
];
const written: readonly [string, Shape] = ['written', usual[1]];

const left = product('modular-monolith');
const bare = peer('bare Fastify, one prepared statement, no log', 'bare.ts');
const join = peer('bare Fastify, one SQL join in one database, no log', 'bare.ts');

export const rows: readonly Row[] = [
  pair({
    name: 'pet',
    work: 'a pet by id',
    left,
    right: bare,
    shape: usual,
    requests: requests.pets(),
    goal: { atLeast: 0.75 },
  }),
  pair({
    name: 'user',
    work: 'a user with 3 pets',
    left,
    right: join,
    shape: usual,
    requests: requests.users(),
    goal: { atLeast: 1 },
  }),
  pair({
    name: 'page',
    work: 'a page of 100 users with their pets, different pages',
    left,
    right: join,
    shape: usual,
    requests: requests.pages(),
    goal: { atLeast: 1 },
  }),
  pair({
    name: 'page-disjoint',
    work: 'the same, of 10,000 users, no page or pet in common',
    left,
    right: join,
    shape: disjoint,
    requests: requests.pages(10_000, 100),
  }),
  pair({
    name: 'create-full',
    work: 'create a pet, on disk before it is answered',
    left,
    right: peer('bare Fastify, synchronous=FULL, one transaction each', 'bare.ts', { SYNCHRONOUS: 'FULL' }),
    shape: written,
    requests: requests.newPets(),
    goal: { atLeast: 10 },
    isIdle: true,
  }),
  pair({
    name: 'create-off',
    work: 'create a pet, on disk before it is answered',
    left,
    right: peer('bare Fastify, synchronous=OFF, one transaction each', 'bare.ts', { SYNCHRONOUS: 'OFF' }),
    shape: written,
    requests: requests.newPets(),
    goal: { atLeast: 1 },
    isIdle: true,
  }),
  pair({
    name: 'one',
    work: 'one connection, a user with 3 pets',
    left,
    right: join,
    shape: usual,
    requests: requests.users(),
    connections: 1,
    isIdle: true,
    aspects: [
      {
        work: 'one connection, a user with 3 pets: p50',
        goal: { atMost: 2.5 },
        of: (one, other) => one.p50 / other.p50,
      },
      {
        work: 'one connection, a user with 3 pets: p99',
        unit: 'ms',
        goal: { atMost: 5 },
        of: (one) => one.p99,
      },
    ],
  }),
  start('start', left, peer('bare Fastify with the same SQLite driver', 'bare.ts'), usual),
];
