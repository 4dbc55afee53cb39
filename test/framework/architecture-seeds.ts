import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export const { rooms } = (await import(join(root, '.dependency-cruiser.mjs'))) as {
  rooms: readonly string[];
};
export const lowestRoom = rooms.at(-1) as string;

export interface Seed {
  /** The path of the file, which the test creates. */
  readonly file: string;
  readonly code: string;
  /** Further rules that the seed violates. */
  readonly also?: readonly string[];
}

/** Seeds by the rule that they violate. Only that rule and those of `also` may report the seed. */
export const violations: Record<string, readonly Seed[]> = {
  ...Object.fromEntries(
    rooms.slice(1).map((room, index) => [
      `room-${room}`,
      [
        {
          file: `src/framework/${room}/seed-room.ts`,
          code: `import '../${rooms[index]}/seed-room.ts';`,
          ...(index === 0 && { also: ['testing-in-tests-only'] }),
        },
        {
          file: `src/framework/${room}/seed-room-type.ts`,
          code: `import type { App } from '../${index === 0 ? 'testing' : rooms[1]}/seed-room.ts';`,
          ...(index === 0 && { also: ['testing-in-tests-only'] }),
        },
        { file: `src/framework/${room}/seed-room-api.ts`, code: `import type { Api } from '../index.ts';` },
      ],
    ]),
  ),
  'framework-in-rooms': [
    { file: 'src/framework/seed.ts', code: `import './${lowestRoom}/context.ts';` },
    { file: 'src/framework/helpers/seed.ts', code: `import '../${lowestRoom}/context.ts';` },
  ],
  'testing-in-tests-only': [
    { file: 'scripts/seed-testing.ts', code: `import '../src/framework/testing/seed-room.ts';` },
    {
      file: 'src/framework/index-seed.ts',
      code: `import './testing/seed-room.ts';`,
      also: ['framework-in-rooms'],
    },
  ],
  'no-import-of-tests': [
    { file: 'src/framework/app/seed-test.ts', code: `import '../../../test/seed.ts';` },
    { file: 'tools/seed-test.ts', code: `import type { Seed } from '../test/seed.ts';` },
  ],
  'framework-knows-no-service': [
    {
      file: 'src/framework/context/seed-2.ts',
      code: `import '../../services/pet/index.ts';`,
      also: ['only-the-list-imports-services'],
    },
    { file: 'src/framework/context/seed-1.ts', code: `import '../../main.ts';` },
    {
      file: 'src/framework/context/seed-5.ts',
      code: `export const load = () => import('../../../scripts/generate.ts');`,
    },
    {
      file: 'src/framework/context/seed-6.ts',
      code: `export type { Pet } from '../../services/pet/schemas.ts';`,
      also: ['only-the-list-imports-services'],
    },
    {
      file: 'src/framework/app/seed-3.ts',
      code: `export const load = () => import('../../services/pet/index.ts');`,
      also: ['only-the-list-imports-services'],
    },
  ],
  'generated-in-load-services-only': [
    { file: 'src/framework/context/seed-3.ts', code: `import type { paths } from '#generated/api.d.ts';` },
    { file: 'src/framework/app/seed-4.ts', code: `export { services } from '#generated/services.ts';` },
  ],
  'service-stays-in-its-folder': [
    { file: 'src/services/user/seed-1.ts', code: `import pet from '../pet/index.ts';` },
    { file: 'src/services/user/seed-2.ts', code: `import { start } from '#framework/start';` },
    { file: 'src/services/user/seed-3.ts', code: `export * from '../pet/schemas.ts';` },
    { file: 'src/services/user/seed-4.ts', code: `export { Pet } from '../pet/schemas.ts';` },
    { file: 'src/services/user/seed-5.ts', code: `import type { Pet } from '../pet/schemas.ts';` },
    { file: 'src/services/user/seed-6.ts', code: `export const load = () => import('../pet/index.ts');` },
    {
      file: 'src/services/user/seed-7.ts',
      code: `import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        export const pet = require('../pet/index.ts');`,
    },
    { file: 'src/services/user/seed-8.cts', code: `module.exports = require('../pet/index.ts');` },
    { file: 'src/services/user/seed-9.ts', code: `export type Pet = import('../pet/schemas.ts').Pet;` },
    {
      file: 'src/services/user/seed-10.ts',
      code: `import '../../framework/app/app.ts';`,
      also: ['service-reaches-out-by-name'],
    },
    { file: 'src/services/user/seed-11.ts', code: `export * as app from '#framework/start';` },
    { file: 'src/services/user/seed-12.ts', code: `import '../../../scripts/generate.ts';` },
    { file: 'src/services/user/deep/seed.ts', code: `import pet from '../../pet/index.ts';` },
    // `users` begins with `user` and is another service.
    { file: 'src/services/users/index.ts', code: `import '../user/schemas.ts';` },
  ],
  'service-reaches-out-by-name': [
    { file: 'src/services/user/seed-21.ts', code: `import { Id } from '../../framework/index.ts';` },
    { file: 'src/services/user/seed-22.ts', code: `export * from '../../framework/index.ts';` },
    {
      file: 'src/services/user/seed-23.ts',
      code: `import type { Peer } from '../../framework/index.ts';`,
    },
    {
      file: 'src/services/user/seed-24.ts',
      code: `export const load = () => import('../../framework/index.ts');`,
    },
    {
      file: 'src/services/user/seed-client.ts',
      code: `import type { paths } from '../../../generated/api.d.ts';`,
    },
  ],
  'contract-as-types-in-clients-only': [
    { file: 'src/services/user/seed-31.ts', code: `import type { paths } from '#generated/api.d.ts';` },
    { file: 'src/services/user/seed-32.ts', code: `export type { paths } from '#generated/api.d.ts';` },
    {
      file: 'src/services/user/seed-33.ts',
      // The checker cannot distinguish this from a call of import(). Use `import type` instead.
      code: `export type Paths = import('#generated/api.d.ts').paths;`,
      also: ['contract-not-by-value'],
    },
  ],
  'contract-as-types-only': [
    {
      file: 'src/services/user/seed-41-client.ts',
      code: `import type { services } from '#generated/services.ts';`,
    },
    {
      file: 'src/services/user/seed-42-client.ts',
      code: `export type { services } from '#generated/services.ts';`,
    },
  ],
  'contract-not-by-value': [
    { file: 'src/services/user/seed-51-client.ts', code: `import x from '#generated/api.d.ts';` },
    { file: 'src/services/user/seed-52-client.ts', code: `export { paths } from '#generated/api.d.ts';` },
    {
      file: 'src/services/user/seed-53-client.ts',
      code: `export const load = () => import('#generated/api.d.ts');`,
    },
    { file: 'src/services/user/seed-54-client.ts', code: `import '#generated/api.d.ts';` },
  ],
  'only-the-list-imports-services': [
    { file: 'scripts/seed-1.ts', code: `import pet from '../src/services/pet/index.ts';` },
    { file: 'scripts/seed-2.ts', code: `export * from '../src/services/pet/schemas.ts';` },
    { file: 'src/seed.ts', code: `import type { Pet } from './services/pet/schemas.ts';` },
  ],
  'drizzle-in-few-files': [
    {
      file: 'src/services/user/seed-61.ts',
      code: `import { sql } from '#framework/database';`,
    },
    {
      file: 'src/services/user/seed-62.ts',
      code: `export type { SQL } from '#framework/database';`,
    },
    { file: 'src/services/user/seed-63.ts', code: `import type { SQL } from 'drizzle-orm';` },
    { file: 'src/services/user/seed-64.ts', code: `export * from '#framework/database';` },
    { file: 'src/services/user/seed-65.ts', code: `export const load = () => import('better-sqlite3');` },
    {
      file: 'src/services/user/seed-66.ts',
      code: `import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        export const Client = require('better-sqlite3');`,
    },
    { file: 'src/services/user/seed-67.ts', code: `import { DatabaseSync } from 'node:sqlite';` },
    { file: 'src/framework/app/seed-11.ts', code: `import Client from 'better-sqlite3';` },
    { file: 'src/framework/context/seed-11.ts', code: `import type Client from 'better-sqlite3';` },
  ],
  'tokens-when-configured': [
    { file: 'src/framework/app/seed-92.ts', code: `export * from './token-verifier.ts';` },
  ],
  'jose-in-few-files': [
    { file: 'src/framework/http/seed-93.ts', code: `import { SignJWT } from 'jose';\nSignJWT;` },
  ],
  'undici-by-one-file': [
    { file: 'src/framework/calls/seed-90.ts', code: `import { Pool } from 'undici';\nPool;` },
  ],
  'node-http-by-one-file': [
    {
      file: 'src/framework/http/seed-91.ts',
      code: `import { STATUS_CODES } from 'node:http';\nSTATUS_CODES;`,
    },
  ],
  'drizzle-by-one-file': [
    { file: 'src/services/seed-a/tables.ts', code: `import { integer } from 'drizzle-orm/sqlite-core';` },
    { file: 'src/services/seed-a/repository.ts', code: `export * from 'drizzle-orm';` },
  ],
  'prometheus-in-metrics-only': [
    { file: 'src/framework/context/seed-51.ts', code: `import { Counter } from '@prometheus-io/client';` },
    {
      file: 'src/services/user/seed-95.ts',
      code: `export const load = () => import('@prometheus-io/client');`,
    },
    { file: 'src/framework/app/seed-51.ts', code: `import type { Registry } from '@prometheus-io/client';` },
  ],
  'opentelemetry-in-traces-only': [
    { file: 'src/framework/app/seed-61.ts', code: `export const load = () => import('@opentelemetry/api');` },
    { file: 'src/framework/context/seed-61.ts', code: `import type { Span } from '@opentelemetry/api';` },
  ],
  'opentelemetry-when-configured': [
    {
      file: 'src/framework/app/seed-62.ts',
      code: `import { trace } from '@opentelemetry/api';`,
      also: ['opentelemetry-in-traces-only'],
    },
  ],
  'process-in-start-only': [
    { file: 'src/framework/app/seed-21.ts', code: `import process from 'node:process';` },
    { file: 'src/framework/context/seed-21.ts', code: `import { env } from 'process';` },
    { file: 'src/services/user/seed-71.ts', code: `export * from 'node:process';` },
    { file: 'src/services/user/seed-72.ts', code: `export const load = () => import('node:process');` },
    {
      file: 'src/services/user/seed-73.ts',
      code: `export const { env } = process.getBuiltinModule('node:process');`,
    },
  ],
  'no-cycles': [
    {
      file: 'src/framework/context/seed-types-a.ts',
      code: `import type { B } from './seed-types-b.ts';\nexport type A = B[];`,
    },
    {
      file: 'src/framework/context/seed-cycle-a.ts',
      code: `import { b } from './seed-cycle-b.ts';\nexport const a = () => b;`,
    },
    {
      file: 'src/services/user/seed-cycle-c.ts',
      code: `export const load = () => import('./seed-cycle-d.ts');`,
    },
  ],
  'no-unresolved': [
    { file: 'src/framework/context/seed-31.ts', code: `import './nowhere.ts';` },
    { file: 'src/services/user/seed-81.ts', code: `import { buildApp } from '#framework/app/app.ts';` },
    {
      file: 'src/services/user/seed-83.ts',
      code: `import { sql } from '#framework/database/sqlite/drizzle.ts';`,
    },
    { file: 'src/services/user/seed-82.ts', code: `import { x } from '#services/pet/index.ts';` },
    { file: 'src/framework/app/seed-31.ts', code: `export * from 'a-package-that-there-is-not';` },
    {
      file: 'scripts/seed-3.ts',
      code: `export const load = () => import('../src/framework/app/nowhere.ts');`,
    },
  ],
  'no-development-dependency-in-src': [
    { file: 'src/framework/app/seed-41.ts', code: `import { createTwoFilesPatch } from 'diff';` },
    { file: 'src/services/user/seed-91.ts', code: `export const load = () => import('typescript');` },
    // Installed as a transitive dependency, and not in package.json.
    { file: 'src/framework/context/seed-41.ts', code: `import { SonicBoom } from 'sonic-boom';` },
  ],
};

/** Seeds that no rule may report. They include the second file of each cycle, because a cycle is reported once. */
export const allowed: readonly Seed[] = [
  {
    file: 'src/framework/context/seed-cycle-b.ts',
    code: `import { a } from './seed-cycle-a.ts';\nexport const b = () => a;`,
  },
  { file: 'src/services/user/seed-cycle-d.ts', code: `export { load } from './seed-cycle-c.ts';` },
  { file: 'src/services/user/seed-101-client.ts', code: `import type { paths } from '#generated/api.d.ts';` },
  {
    file: 'src/services/user/seed-102.ts',
    code: `import { Id } from '#framework';\nimport './routes.ts';`,
  },
  { file: 'src/services/user/deep/seed-103.ts', code: `import '../schemas.ts';` },
  {
    file: 'src/services/extra/tables.ts',
    code: `import { integer } from '#framework/database';`,
  },
  {
    file: 'src/services/extra/repository.ts',
    code: `import { sql } from '#framework/database';\nimport type { SQL } from 'drizzle-orm';\nimport './tables.ts';`,
  },
  {
    file: 'src/services/extra/note-repository.ts',
    code: `import { sql } from '#framework/database';\nimport './tables.ts';`,
  },
  { file: 'src/framework/app/seed-102.ts', code: `import type { Change } from 'diff';` },
  {
    file: 'scripts/seed-101.ts',
    code: `import { createTwoFilesPatch } from 'diff';\nimport '../src/framework/app/app.ts';`,
  },
  {
    file: 'src/framework/context/seed-types-b.ts',
    code: `import type { A } from './seed-types-a.ts';\nexport type B = A[];`,
  },
  { file: 'src/framework/testing/seed-room.ts', code: 'export type App = object;' },
  { file: 'test/seed.ts', code: 'export type Seed = object;' },
];
