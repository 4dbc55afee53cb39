import type { UsedOperation } from '../../src/framework/openapi/compatibility.ts';
import type { OpenApiDocument } from '../../src/framework/openapi/response-contract.ts';
import { contract } from './app.ts';

type Schema = Record<string, unknown>;
interface Operation {
  summary: string;
  parameters: { name: string; in: string; required: boolean; schema: Schema }[];
  responses: Record<string, unknown>;
}
interface Changeable {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, Schema>; required: string[] }> };
}

/** The operation of the pet service that the user service uses. */
export const use: UsedOperation = { method: 'get', path: '/pet/pets/', sends: ['ids'] };

/** Returns the merged document after a change. */
export function changed(change: (document: Changeable) => void): OpenApiDocument {
  const copy = structuredClone(contract) as unknown as Changeable;
  change(copy);
  return copy as unknown as OpenApiDocument;
}

/** Returns the document of the pet service after a change of the merged one. */
export function changedPet(change: (document: Changeable) => void): unknown {
  const { paths, components } = changed(change) as unknown as Changeable;
  const petPaths = Object.entries(paths)
    .filter(([path]) => path.startsWith('/pet/'))
    .map(([path, item]) => [path.slice('/pet'.length), item]);
  const schemas = Object.entries(components.schemas)
    .filter(([name]) => name.startsWith('pet.'))
    .map(([name, schema]) => [name.slice('pet.'.length), schema]);
  const document = {
    openapi: '3.1.0',
    info: {},
    paths: Object.fromEntries(petPaths),
    components: { schemas: Object.fromEntries(schemas) },
  };
  return JSON.parse(
    JSON.stringify(document).replaceAll('#/components/schemas/pet.', '#/components/schemas/'),
  );
}

const list = ({ paths }: Changeable) => paths['/pet/pets/']?.get as Operation;
const pet = ({ components }: Changeable) =>
  components.schemas['pet.Pet'] as Changeable['components']['schemas'][string];
const parameter = (document: Changeable, name: string) =>
  list(document).parameters.find((one) => one.name === name) as Operation['parameters'][number];

interface Change {
  readonly name: string;
  change(document: Changeable): void;
}

export const breaking: readonly (Change & { readonly field: string })[] = [
  {
    name: 'the operation is removed',
    field: '',
    change: ({ paths }) => void delete paths['/pet/pets/']?.get,
  },
  {
    name: 'a field of the response is removed',
    field: 'response[].mood',
    change: (document) => {
      delete pet(document).properties.mood;
      pet(document).required = pet(document).required.filter((name) => name !== 'mood');
    },
  },
  {
    name: 'a field of the response becomes optional',
    field: 'response[].name',
    change: (document) => {
      pet(document).required = pet(document).required.filter((name) => name !== 'name');
    },
  },
  {
    name: 'a field of the response has another type',
    field: 'response[].id',
    change: (document) => {
      pet(document).properties.id = { type: 'string' };
    },
  },
  {
    name: 'an input becomes required',
    field: 'query.owner',
    change: (document) =>
      void list(document).parameters.push({
        name: 'owner',
        in: 'query',
        required: true,
        schema: { type: 'string' },
      }),
  },
  {
    name: 'an input that is sent is removed',
    field: 'query.ids',
    change: (document) => {
      list(document).parameters = list(document).parameters.filter(({ name }) => name !== 'ids');
    },
  },
];

export const harmless: readonly Change[] = [
  {
    name: 'a field of the response is added',
    change: (document) => {
      pet(document).properties.colour = { type: 'string' };
      pet(document).required.push('colour');
    },
  },
  {
    name: 'a field of the response is no longer null',
    change: (document) => {
      pet(document).properties.age = { type: 'integer', minimum: 0, maximum: 1_000 };
    },
  },
  {
    name: 'an optional input is added',
    change: (document) =>
      void list(document).parameters.push({
        name: 'mood',
        in: 'query',
        required: false,
        schema: { type: 'string' },
      }),
  },
  {
    name: 'an input that is not sent is removed',
    change: (document) => {
      list(document).parameters = list(document).parameters.filter(({ name }) => name !== 'limit');
    },
  },
  { name: 'another operation is removed', change: ({ paths }) => void delete paths['/pet/pets/{pet_id}'] },
  {
    name: 'a summary changes, and more ids are allowed',
    change: (document) => {
      list(document).summary = 'All the pets';
      parameter(document, 'ids').schema.maxItems = 1000;
    },
  },
];
