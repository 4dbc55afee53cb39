/** What is measured, and what is aimed at. */
import { bare, express, fastApi, nest, product, watt } from './contenders.ts';
import type { Request } from './load.ts';
import { memory } from './memory.ts';
import { type Pair, pair } from './pair.ts';
import * as requests from './requests.ts';
import type { Row } from './result.ts';
import { type Point, series } from './series.ts';
import * as shapes from './shapes.ts';
import { start } from './start.ts';
import type { Goal } from './statistics.ts';

const left = product('in one process');
const join = bare('one SQL join in one database, no log');
const reads = { left, right: join, shape: shapes.usual };
const writes = { left, shape: shapes.written, requests: requests.newPets(), isIdle: true };
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

const apart = product('in one process each', { gateway: { services: ['user'] }, pet: { services: ['pet'] } });
const instances = (count: number) =>
  product(
    count === 1 ? 'one instance' : `${count} instances`,
    { gateway: { services: ['pet', 'user'], instances: count } },
    'anywhere',
  );
const twice = {
  left: instances(2),
  right: instances(1),
  shape: shapes.usual,
  isIdle: true,
  isEverywhere: true,
};
const split = { left: apart, right: left, shape: shapes.usual };

const petsPerUser = shapes.counts.map((size, index): Point => {
  const first = 1 + index * shapes.usersPerCount;
  const asked = requests.users(shapes.usersPerCount, first);
  return { label: `${size} pets each`, shape: shapes.byCount, requests: asked, size };
});
const ofDatabases = (asked: (total: number) => readonly Request[]) =>
  [1000, 100_000, 1_000_000].map(
    (pets): Point => ({
      label: `${pets.toLocaleString('en')} pets`,
      shape: shapes.large(pets),
      requests: asked(pets),
    }),
  );
const byConnections = [1, 50, 500].map(
  (connections): Point => ({
    label: `${connections} ${connections === 1 ? 'connection' : 'connections'}`,
    shape: shapes.usual,
    requests: requests.users(),
    connections,
    isIdle: connections === 1,
  }),
);

export const rows: readonly Row[] = [
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
    right: bare('that join making the JSON too, past the schema', { JOIN: 'json' }),
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
    work: 'create a pet, on disk when it is answered',
    right: bare('synchronous=FULL, one transaction each', { SYNCHRONOUS: 'FULL' }),
    ...atLeast(10),
  }),
  pair({
    ...writes,
    name: 'create-off',
    work: 'create a pet, on disk when it is answered',
    right: bare('synchronous=OFF, one transaction each', { SYNCHRONOUS: 'OFF' }),
    ...atLeast(1),
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
  memory({ name: 'memory', contender: left, shape: shapes.written, requests: requests.mixed() }),
  series({
    name: 'pets-per-user',
    work: 'time per pet shown, of users',
    contender: left,
    points: petsPerUser,
    of: ({ rate }, { size = 1 }) => 1 / (rate * size),
    goal: { atMost: 1.1 }, // less than a tenth more is none, on most machines
  }),
  series({
    name: 'database-pet',
    work: 'a pet by id, of a database',
    contender: left,
    points: ofDatabases(requests.pets),
    of: ({ rate }) => rate,
  }),
  series({
    name: 'database-user',
    work: 'a user with 3 pets, of a database',
    contender: left,
    points: ofDatabases(() => requests.users()),
    of: ({ rate }) => rate,
  }),
  series({
    name: 'connections',
    work: 'a user with 3 pets, over',
    contender: left,
    points: byConnections,
    of: ({ rate }) => rate,
  }),
  pair({
    ...split,
    name: 'split-pet',
    work: 'a pet by id, through the gateway to an app of its own, both on one core',
    requests: requests.pets(),
  }),
  pair({
    ...split,
    name: 'split-user',
    work: 'a user with 3 pets, these in an app of their own, both on one core',
    requests: requests.users(),
  }),
  pair({
    ...twice,
    name: 'instances-pet',
    work: 'a pet by id, 2 instances, the load on the same cores',
    requests: requests.pets(),
  }),
  pair({
    ...twice,
    name: 'instances-user',
    work: 'a user with 3 pets, 2 instances, the load on the same cores',
    requests: requests.users(),
  }),
];
