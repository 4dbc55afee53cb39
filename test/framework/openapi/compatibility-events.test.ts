import { describe, expect, test } from 'vitest';
import { findBreakingChanges } from '../../../src/framework/openapi/compatibility.ts';
import { listEventSchemas } from '../../../src/framework/openapi/event-feed.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { contract } from '../../support/app.ts';

interface EventSchema {
  properties: { data: { properties: Record<string, object>; required: string[] }; time?: object };
}
type Schemas = Record<string, EventSchema>;

const feed = { method: 'get', path: '/pet/events' };

/** Changes a copy of the contract, and compares it as a service that handles `pet.deleted` does. */
function breaksOf(change: (schemas: Schemas, document: typeof contract) => void): string[] {
  const live = structuredClone(contract);
  change(live.components.schemas as unknown as Schemas, live);
  const document = (some: typeof contract) => some as unknown as OpenApiDocument;
  const use = { ...feed, sends: ['after', 'limit', 'timeout', 'types'], events: ['pet.deleted'] };
  return findBreakingChanges(document(contract), document(live), use).map(
    ({ field, reason }) => `${field} ${reason}`,
  );
}
const deleted = (schemas: Schemas) => schemas['pet.PetDeletedEvent'] as EventSchema;

test('the events of a feed are found by type', () => {
  expect([...listEventSchemas(contract as unknown as OpenApiDocument, feed).keys()]).toEqual([
    'pet.created',
    'pet.updated',
    'pet.deleted',
  ]);
});

describe('a consumer of pet.deleted', () => {
  test.for([
    ['the contract as it is', () => {}],
    [
      'one more member',
      (schemas: Schemas) => {
        deleted(schemas).properties.data.properties.reason = { type: 'string' };
      },
    ],
    [
      'a change of another event',
      (schemas: Schemas) => {
        delete schemas['pet.PetCreatedEvent']?.properties.time;
      },
    ],
  ] as [string, (schemas: Schemas) => void][])('keeps %s', ([, change]) => {
    expect(breaksOf(change)).toEqual([]);
  });

  test('needs the members that it reads, with their types', () => {
    const without = breaksOf((schemas) => {
      const { data } = deleted(schemas).properties;
      delete data.properties.id;
      data.required = [];
    });
    expect(without).toEqual([expect.stringMatching(/^event pet\.deleted.*\.data\.id /)]);
    const asText = breaksOf((schemas) => {
      deleted(schemas).properties.data.properties.id = { type: 'string' };
    });
    expect(asText).toEqual([expect.stringMatching(/^event pet\.deleted.*\.data\.id /)]);
  });

  test('needs the event itself', () => {
    const gone = breaksOf((_schemas, live) => {
      const { content } = live.paths['/pet/events'].get.responses['200'];
      const { items } = content['application/cloudevents-batch+json'].schema;
      items.anyOf = items.anyOf.filter(({ $ref }) => !$ref.endsWith('PetDeletedEvent'));
    });
    expect(gone).toEqual(['event pet.deleted is gone']);
  });
});
