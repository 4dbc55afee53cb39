/** The rows of the product alone: with growing data, over time, and split into apps. */
import { product } from './contenders.ts';
import { fairness } from './fairness.ts';
import type { Request } from './load.ts';
import { memory } from './memory.ts';
import { overload } from './overload.ts';
import { pair } from './pair.ts';
import * as requests from './requests.ts';
import type { Row } from './result.ts';
import { type Point, series } from './series.ts';
import * as shapes from './shapes.ts';

const left = product('in one process');
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
  // In turn, because concurrent random requests for few users would often be equal and share their lookups.
  const inTurn = requests.usersInTurn(shapes.usersPerCount, first);
  return { label: `${size} pets each`, shape: shapes.byCount, requests: inTurn, size };
});
const ofDatabases = (makeRequests: (total: number) => readonly Request[]) =>
  [1000, 100_000, 1_000_000].map(
    (pets): Point => ({
      label: `${pets.toLocaleString('en')} pets`,
      shape: shapes.large(pets),
      requests: makeRequests(pets),
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

export const alone: readonly Row[] = [
  memory({ name: 'memory', contender: left, shape: shapes.written, requests: requests.mixed() }),
  // The chart shows the first row, whose requests cost far more than a rejection.
  overload({
    name: 'overload-page',
    work: 'a page of 100 users with their pets',
    contender: left,
    shape: shapes.usual,
    requests: requests.pages(),
  }),
  // These requests cost little more than a rejection.
  overload({
    name: 'overload',
    work: 'a user with 3 pets',
    contender: left,
    shape: shapes.usual,
    requests: requests.users(),
  }),
  fairness({
    name: 'fairness',
    contender: left,
    shape: shapes.lopsided,
    little: { work: 'a user with 3 pets', requests: requests.users(100, 101) },
    much: {
      work: 'pages of 100 users with 1,000 pets each',
      requests: [{ method: 'GET', path: '/user/users/?limit=100' }],
      clients: 5,
    },
    atMost: 300,
  }),
  series({
    name: 'pets-per-user',
    work: 'time per pet shown, of users',
    contender: left,
    points: petsPerUser,
    of: ({ rate }, { size = 1 }) => 1 / (rate * size),
    goal: { atMost: 1.1 }, // on most machines, a difference below a tenth is noise
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
    left: product('with its metrics'),
    right: product('without its metrics', undefined, undefined, { metrics: false }),
    shape: shapes.usual,
    name: 'metrics',
    work: 'a pet by id, with metrics',
    isRestarted: true,
    requests: requests.pets(),
    goal: { atLeast: 0.95 },
  }),
  pair({
    ...split,
    name: 'split-pet',
    work: 'a pet by id, through the gateway to a separate app, both on one core',
    requests: requests.pets(),
  }),
  pair({
    ...split,
    name: 'split-user',
    work: 'a user with 3 pets, with the pets in a separate app, both on one core',
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
