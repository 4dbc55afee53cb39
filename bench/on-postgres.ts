/** The product on PostgreSQL against what a program with a pool of connections does there. */
import { pair } from './pair.ts';
import { pool, productOnPostgres } from './postgres.ts';
import * as requests from './requests.ts';
import type { Row } from './result.ts';
import * as shapes from './shapes.ts';

// The limit is the cores that PostgreSQL, the server and the load share, or the disk.
const common = { left: productOnPostgres, isIdle: true, isEverywhere: true };

export const onPostgres: readonly Row[] = [
  pair({
    ...common,
    name: 'postgres-pet',
    work: 'a pet by id, on PostgreSQL',
    right: pool('one query'),
    shape: shapes.usual,
    requests: requests.pets(),
    goal: { atLeast: 1.5 },
  }),
  pair({
    ...common,
    name: 'postgres-user',
    work: 'a user with 3 pets, on PostgreSQL',
    right: pool('one SQL join'),
    shape: shapes.usual,
    requests: requests.users(),
    goal: { atLeast: 1 },
  }),
  pair({
    ...common,
    name: 'postgres-create',
    work: 'create a user, on PostgreSQL, on disk when it is answered',
    right: pool('one INSERT'),
    shape: shapes.written,
    requests: requests.newUsers(),
    goal: { atLeast: 2 },
  }),
  pair({
    ...common,
    name: 'postgres-event',
    work: 'create a pet and its event, which the user service reads, on PostgreSQL',
    right: pool('one INSERT, no event'),
    shape: shapes.written,
    requests: requests.newPets(),
  }),
];
