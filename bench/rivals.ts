/** The rows that compare the product with other frameworks, and their goals. */
import { bare, express, fastApi, nest, product, watt } from './contenders.ts';
import { type Pair, pair } from './pair.ts';
import * as requests from './requests.ts';
import type { Row } from './result.ts';
import * as shapes from './shapes.ts';
import { start } from './start.ts';
import type { Goal } from './statistics.ts';

const left = product('in one process');
const join = bare('one SQL join in one database, no log');
const reads = { left, right: join, shape: shapes.usual };
const writes = { left, shape: shapes.written, requests: requests.newPets() };
const atLeast = (figure: number): { goal: Goal } => ({ goal: { atLeast: figure } });
const user = { ...reads, work: 'a user with 3 pets', requests: requests.users() };

const one: Pair = {
  ...user,
  name: 'one',
  connections: 1,
  isIdle: true,
  aspects: [
    {
      work: 'one connection, a user with 3 pets: p50',
      goal: { atMost: 2.5 },
      of: (a, b) => a.p50 / b.p50,
    },
    { work: 'one connection, a user with 3 pets: p99', unit: 'ms', goal: { atMost: 5 }, of: (a) => a.p99 },
  ],
};

export const rivals: readonly Row[] = [
  pair({
    ...reads,
    name: 'pet',
    work: 'a pet by id',
    right: bare('one prepared statement, no log'),
    requests: requests.pets(),
    ...atLeast(0.75),
  }),
  pair({ ...user, name: 'user', ...atLeast(1) }),
  pair({
    ...user,
    name: 'user-json',
    right: bare('that join with JSON made in SQLite, without the schema', { JOIN: 'json' }),
  }),
  pair({
    ...reads,
    name: 'page',
    work: 'a page of 100 users with their pets, different pages',
    requests: requests.pages(),
    ...atLeast(1),
  }),
  pair({
    ...reads,
    name: 'page-disjoint',
    work: 'the same of 10,000 users, no user or pet on two pages',
    shape: shapes.disjoint,
    requests: requests.pages(10_000, 100),
  }),
  pair({
    ...writes,
    name: 'create-full',
    work: 'create a pet, on disk before the response',
    right: bare('synchronous=FULL, one transaction each', { SYNCHRONOUS: 'FULL' }),
    isIdle: true,
    ...atLeast(10),
  }),
  pair({
    ...writes,
    name: 'create-off',
    work: 'create a pet, on disk before the response',
    right: bare('synchronous=OFF, one transaction each', { SYNCHRONOUS: 'OFF' }),
    // The product waits for the disk for a tenth of the time.
    isIdle: true,
    ...atLeast(1),
  }),
  pair({
    ...writes,
    name: 'create-together',
    work: 'create a pet, on disk before the response',
    right: bare('synchronous=FULL, the same shared transactions, no log', {
      SYNCHRONOUS: 'FULL',
      WRITES: 'together',
    }),
    isIdle: true,
  }),
  pair({
    ...user,
    name: 'user-polled',
    work: 'a user with 3 pets, the load generator polling',
    isBusyPolling: true,
  }),
  pair({
    ...reads,
    name: 'page-polled',
    work: 'a page of 100 users with their pets, the load generator polling',
    requests: requests.pages(),
    isBusyPolling: true,
  }),
  pair({
    ...writes,
    name: 'create-polled',
    work: 'create a pet, on disk before the response, the load generator polling',
    right: bare('synchronous=OFF, one transaction each', { SYNCHRONOUS: 'OFF' }),
    isIdle: true,
    isBusyPolling: true,
  }),
  pair(one),
  pair({ ...user, name: 'nest', right: nest('the pet service injected'), ...atLeast(1) }),
  pair({
    ...user,
    name: 'nest-http',
    right: nest('its HTTP module, a call per pet', { PETS: 'http' }),
    ...atLeast(15),
  }),
  pair({ ...user, name: 'watt', right: watt, ...atLeast(8) }),
  pair({ ...user, name: 'express', right: express }),
  pair({ ...user, name: 'fastapi', right: fastApi }),
  start('start', left, bare('with the same SQLite driver'), shapes.usual),
];
