import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Schema, SchemaDocument } from '../../../src/framework/openapi/compatibility/schema-document.ts';
import { findBreakingChanges } from '../../../src/framework/openapi/compatibility.ts';
import { mergeDocuments, mergedInfo } from '../../../src/framework/openapi/merge.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { applyChanges, change, type Draft, draft } from './schema-pairs.ts';
import { createRandom, createSampler, disturb } from './schema-samples.ts';

/** The number of pairs. `.ci/run` sets `PAIRS=10000`. */
const pairs = Number(process.env.PAIRS ?? 300);
const use = { method: 'post', path: '/x/things' };

/** Creates the merged document of a service with one operation, whose body and response have the schema of the draft. */
function publish({ root, A, B }: Draft): OpenApiDocument {
  const content = { 'application/json': { schema: root } };
  const operation = { requestBody: { content }, responses: { 200: { description: '', content } } };
  const document = {
    openapi: '3.1.0',
    info: {},
    paths: { '/things': { post: operation } },
    components: { schemas: { A, B } },
  };
  return mergeDocuments(
    [{ service: 'x', prefix: '/x', document: document as unknown as OpenApiDocument }],
    mergedInfo(''),
  );
}

function read(document: OpenApiDocument) {
  const operation = document.paths[use.path]?.post as unknown as {
    requestBody: { content: { 'application/json': { schema: Schema } } };
  };
  const { schema } = operation.requestBody.content['application/json'];
  return { schemas: new SchemaDocument(document), schema };
}

/** Searches for a value that the sender's contract accepts and the receiver's contract rejects. */
function findCounterexample(
  kind: 'body' | 'response',
  promised: OpenApiDocument,
  live: OpenApiDocument,
  seed: number,
): unknown[] {
  const [sender, receiver] = (kind === 'response' ? [live, promised] : [promised, live]).map(read) as [
    ReturnType<typeof read>,
    ReturnType<typeof read>,
  ];
  const random = createRandom(seed);
  const [sample, sampleOther] = [
    createSampler(sender.schemas, random),
    createSampler(receiver.schemas, random),
  ];
  for (let round = 0; round < 40; round += 1) {
    // Samples of the receiver's schema contain values at its bounds, which a peer may send too.
    const drawn =
      kind === 'response' && round % 3 === 2 ? sampleOther(receiver.schema) : sample(sender.schema);
    if (drawn === undefined) continue;
    const value = kind === 'response' && round % 2 === 1 ? disturb(drawn.value, random) : drawn.value;
    if (sender.schemas.accepts(sender.schema, value) && !receiver.schemas.accepts(receiver.schema, value))
      return [value];
  }
  return [];
}

const pair = fc.tuple(
  draft,
  fc.oneof(
    { weight: 6, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: draft },
  ),
);

test('a pair of schemas is not reported as compatible if Ajv accepts a value by one and rejects it by the other', () => {
  const counts = { compatible: 0, broken: 0, unsure: 0 };
  fc.assert(
    fc.property(pair, fc.nat(), ([before, after], seed) => {
      const promised = publish(before);
      const live = publish(Array.isArray(after) ? applyChanges(before, after) : after);
      const breaks = findBreakingChanges(promised, live, use);
      for (const kind of ['body', 'response'] as const) {
        const named = breaks.filter(({ field }) => field.startsWith(kind));
        const found = findCounterexample(kind, promised, live, seed);
        if (named.length === 0) expect({ kind, found }).toEqual({ kind, found: [] });
        counts[named.length === 0 ? 'compatible' : found.length > 0 ? 'broken' : 'unsure'] += 1;
      }
    }),
    {
      numRuns: pairs,
      ...(process.env.SEED && { seed: Number(process.env.SEED), path: process.env.PATH_OF ?? '' }),
    },
  );
  if (process.env.PAIRS) console.log(counts);
}, 3_600_000);

test('every schema is compatible with itself and with its copy', () => {
  fc.assert(
    fc.property(draft, (one) => {
      const document = publish(one);
      expect(findBreakingChanges(document, document, use)).toEqual([]);
      expect(findBreakingChanges(document, structuredClone(document), use)).toEqual([]);
    }),
    { numRuns: pairs },
  );
}, 3_600_000);
