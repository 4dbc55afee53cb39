import { type Static, Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import { Conflict, NotFound, problems, UnprocessableEntity } from '../../src/framework/errors/problem.ts';
import { OkResponse } from '../../src/framework/openapi/schema.ts';
import { defineService, type ServiceScope } from '../../src/framework/service/define-service.ts';

/** How the service violates its contract, and the failure that the fuzzer must report. `none`: not at all. */
export const violations = {
  none: undefined,
  'an internal error': /^500: a healthy server has no 5xx/,
  'no response': /^no response: /,
  'a body that does not match its schema':
    /^200 has a body that does not match its schema: \/size must be integer/,
  'a body that is not JSON': /^200 has a body that is not JSON: \{"id":/,
  'another content type': /^200 has content type text\/html, but application\/json is documented/,
  'a status that is not documented': /^202 is not documented/,
  'invalid requests accepted': /^200 for an invalid request/,
  'valid requests rejected': /^422 for a valid request/,
  'deleted things that can be read': /^200 shows a deleted thing/,
  'deleted things in its list': /^200 shows a deleted thing/,
  'a method that is not documented': /^200 for PUT, which is not documented: expected 405/,
  'a 405 without Allow': /^405 whose Allow \(undefined\) lacks GET/,
  'a conflict too often': /^only \d+ of \d+ valid requests were accepted/,
  'a next page that is rejected': /^422 for a valid request \(the next page\)/,
  'a link that is no path': /^200 has the link <http:.*>; rel="next": expected a path/,
  'a status that never comes': /^never reached: GET \/box\/boxes\/\{box_id\} 410/,
} as const;
export type Violation = keyof typeof violations;

const Size = Type.Integer({ minimum: 1, maximum: 9 });
const Label = Type.String({ pattern: '^[^\\uD800-\\uDFFF]*$', maxLength: 30, examples: ['blue'] });
const Colour = Type.Union([Type.Literal('red'), Type.Literal('green')]);
const BoxCreate = Type.Object(
  {
    label: Label,
    size: Size,
    colours: Type.Optional(Type.Array(Colour, { maxItems: 3, uniqueItems: true })),
  },
  { additionalProperties: false },
);
const Box = Type.Object({ ...BoxCreate.properties, id: Type.String({ pattern: '^box-\\d+$' }) });
const BoxId = Type.Object({ box_id: Box.properties.id });
/** The query of a list. Its pages have at most two boxes. */
const Filter = Type.Object({
  after: Type.Optional(Type.String({ pattern: '^[a-z0-9-]+$', maxLength: 20 })),
  label: Type.Optional(Type.String()),
  isLarge: Type.Optional(Type.Boolean()),
  weights: Type.Optional(Type.Array(Type.Number({ minimum: 0.5 }), { minItems: 1, maxItems: 4 })),
});

/** Creates a service with string ids, which the fuzzer knows only by its contract. */
export function createBoxService(violation: Violation) {
  const state = createState(violation);
  return defineService({
    name: 'box',
    description: 'Boxes.',
    routes(scope) {
      addUndocumentedResponses(scope, state);
      addCollectionRoutes(scope, state);
      addBoxRoutes(scope, state);
    },
  });
}

type State = ReturnType<typeof createState>;

/** Creates the state of the service: all boxes, and the ids of the removed ones. */
function createState(violation: Violation) {
  const boxes = new Map<string, Static<typeof Box>>();
  const removed = new Set<string>();
  const has = (one: Violation) => violation === one;

  function find(id: string) {
    const box = boxes.get(id);
    if (box === undefined || (removed.has(id) && !has('deleted things that can be read'))) {
      throw new NotFound('box not found');
    }
    return box;
  }

  return { boxes, removed, has, find };
}

function addCollectionRoutes(scope: ServiceScope, { boxes, removed, has }: State): void {
  const acceptsAll = has('invalid requests accepted');
  scope.get(
    '/boxes',
    {
      schema: {
        operationId: 'listBoxes',
        querystring: Filter,
        response: { 200: Type.Array(Box, { headers: { link: Type.String() } }), ...problems(422) },
      },
    },
    async ({ query: { after } }, reply) => {
      if (after !== undefined && (!boxes.has(after) || has('a next page that is rejected')))
        throw new UnprocessableEntity([]);
      const rest = [...boxes.values()].slice(after === undefined ? 0 : Number(after.slice(4)));
      const page = rest.slice(0, 2);
      const host = has('a link that is no path') ? 'http://box' : '';
      if (rest.length > 2) reply.header('link', `<${host}/box/boxes?after=${page[1]?.id}>; rel="next"`);
      return page.filter(({ id }) => has('deleted things in its list') || !removed.has(id));
    },
  );
  scope.post(
    '/boxes',
    {
      attachValidation: acceptsAll,
      schema: {
        operationId: 'createBox',
        body: BoxCreate,
        response: { 200: Box, ...problems(400, 413, 415, 422) },
      },
    },
    async ({ body }) => {
      if (has('an internal error') && /[^ -~]/.test(body.label)) throw new Error('a label');
      if (has('valid requests rejected') && body.size === 9) throw new UnprocessableEntity([]);
      if (has('a conflict too often') && body.size > 4) throw new Conflict('too large');
      const box = { ...(acceptsAll ? { label: 'any', size: 1 } : body), id: `box-${boxes.size + 1}` };
      boxes.set(box.id, box);
      return box;
    },
  );
}

function addBoxRoutes(scope: ServiceScope, { removed, has, find }: State): void {
  const response = {
    200: Box,
    ...problems(404, 422),
    ...(has('a status that never comes') && { 410: Box }),
  };
  scope.get(
    '/boxes/:box_id',
    { schema: { operationId: 'readBox', params: BoxId, response } },
    async ({ params }, reply) => {
      const box = find(params.box_id);
      if (has('no response')) reply.raw.destroy();
      if (has('another content type')) return reply.type('text/html').send('<p>' as never);
      if (has('a body that is not JSON')) return sendAs(reply, '{"id":');
      if (has('a body that does not match its schema'))
        return sendAs(reply, JSON.stringify({ ...box, size: 'small' }));
      return box;
    },
  );
  scope.delete(
    '/boxes/:box_id',
    {
      schema: {
        operationId: 'deleteBox',
        params: BoxId,
        response: { 200: OkResponse, ...problems(404, 422) },
      },
    },
    async ({ params }) => {
      removed.add(find(params.box_id).id);
      return { ok: true as const };
    },
  );
  const headers = Type.Object({ 'x-key': Type.Integer({ minimum: 1, maximum: 99 }) });
  scope.post(
    '/boxes/:box_id/open',
    {
      schema: {
        operationId: 'openBox',
        params: BoxId,
        headers,
        response: { 200: Box, ...problems(404, 422) },
      },
    },
    async ({ params }) => find(params.box_id),
  );
}

function addUndocumentedResponses(scope: ServiceScope, { has }: State): void {
  // The framework rejects such a status of a handler, so this hook changes what Node sends.
  if (has('a status that is not documented'))
    scope.addHook('onRequest', async ({ method }, { raw }) => {
      const writeHead = raw.writeHead.bind(raw);
      raw.writeHead = (status, ...rest) =>
        writeHead(method === 'POST' && status === 200 ? 202 : status, ...(rest as []));
    });
  if (has('a method that is not documented'))
    scope.put('/boxes/:box_id', { schema: { hide: true } }, async () => ({}));
  if (has('a 405 without Allow')) {
    scope.put('/boxes/:box_id', { schema: { hide: true } }, async (_request, reply) =>
      reply.code(405).send({}),
    );
  }
}

/** Sends a text without the serializer, which would make it match the schema. */
function sendAs(reply: unknown, text: string): never {
  return (reply as FastifyReply).type('application/json').send(text) as never;
}
