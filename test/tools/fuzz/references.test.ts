import { Type } from '@sinclair/typebox';
import { expect, type TestContext, test } from 'vitest';
import { defineProblem, found, ok } from '../../../src/framework/errors/define-problem.ts';
import { Id, nullable, OkResponse } from '../../../src/framework/openapi/schema.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { fuzz } from '../../../tools/fuzz/fuzz.ts';
import { listFailures } from '../../../tools/fuzz/report.ts';
import { createTestApp } from '../../support/app.ts';

type Items = Map<number, Record<string, unknown>>;

/** Items of a collection, and the problem of one that does not exist. */
function createCollection(name: string) {
  const items: Items = new Map();
  return { name, items, notFound: defineProblem(404, `${name}-not-found`, `${name} not found`) };
}
type Collection = ReturnType<typeof createCollection>;

/**
 * Creates a service with a collection. Each of its references must be an item of another collection, or null.
 * @param largest the largest id that it accepts in a reference.
 */
function serve(own: Collection, references: Readonly<Record<string, Collection>>, largest = Infinity) {
  const { name, items, notFound } = own;
  const fields = Object.fromEntries(Object.keys(references).map((key) => [key, nullable(Id)]));
  const Item = Type.Object({ ...fields, id: Id });
  const Params = Type.Object({ [`${name}_id`]: Id });
  const missing = Object.values(references).map((one) => one.notFound);
  const check = (body: object) => {
    for (const [key, id] of Object.entries(body)) {
      const { [key]: other } = references;
      if (other === undefined || id === null) continue;
      found(other.items.has(id as number) && (id as number) <= largest, other.notFound);
    }
  };
  const idOf = (params: object) => Object.values(params)[0] as number;
  let count = 0;
  return defineService({
    name,
    description: 'Items.',
    routes(scope) {
      const response = { 200: Item };
      const one = { params: Params, response };
      scope.post(
        `/${name}s/`,
        { schema: { operationId: 'create', body: Type.Object(fields), response, errors: missing } },
        async ({ body }) => {
          check(body);
          count += 1;
          items.set(count, { ...body, id: count });
          return items.get(count) as never;
        },
      );
      scope.get(
        `/${name}s/:${name}_id`,
        { schema: { operationId: 'read', ...one, errors: [notFound] } },
        async ({ params }) => found(items.get(idOf(params)), notFound) as never,
      );
      scope.patch(
        `/${name}s/:${name}_id`,
        {
          schema: {
            operationId: 'update',
            ...one,
            body: Type.Partial(Type.Object(fields)),
            errors: [notFound, ...missing],
          },
        },
        async ({ params, body }) => {
          const item = found(items.get(idOf(params)), notFound);
          check(body);
          return Object.assign(item, body) as never;
        },
      );
      scope.delete(
        `/${name}s/:${name}_id`,
        {
          schema: {
            operationId: 'remove',
            params: Params,
            response: { 200: OkResponse },
            errors: [notFound],
          },
        },
        async ({ params }) => ok(items.delete(idOf(params)), notFound),
      );
    },
  });
}

function serveVisits(t: TestContext, largest?: number) {
  const [toy, cage, visit] = ['toy', 'cage', 'visit'].map(createCollection) as [
    Collection,
    Collection,
    Collection,
  ];
  // The name of one reference is no name of a collection, and the names of two are those of others.
  const services = [
    serve(toy, {}),
    serve(cage, { visit_id: toy }),
    serve(visit, { owner: toy, toy_id: cage }, largest),
  ];
  return createTestApp(t, { services, config: { log: { level: 'silent' } } });
}

test('references are found by the contract, whatever their names are', async (t) => {
  const { url } = await serveVisits(t);
  expect(listFailures(await fuzz({ url, seed: 3, requests: 1_000 }))).toEqual([]);
});

test('a service that rejects references to existing items is detected', async (t) => {
  const { url } = await serveVisits(t, 2);
  const failures = listFailures(await fuzz({ url, seed: 3, requests: 1_000 }));
  expect(failures.join()).toMatch(/POST \/visit\/visits\/: only \d+ of \d+ valid requests were accepted/);
});
