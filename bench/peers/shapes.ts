/** The response schemas of all peers, equal to those of the product. */
export interface Pet {
  name: string;
  species: string;
  age: number | null;
  mood: string;
  id: number;
  last_fed: string;
  last_interaction: string;
}

export interface User {
  name: string;
  id: number;
  pets: Pet[];
}

const text = { type: 'string' } as const;
const id = { type: 'integer', minimum: 1 } as const;
const age = { type: ['integer', 'null'], minimum: 0, maximum: 1000 } as const;

export const pet = {
  type: 'object',
  required: ['name', 'species', 'age', 'mood', 'id', 'last_fed', 'last_interaction'],
  properties: { name: text, species: text, age, mood: text, id, last_fed: text, last_interaction: text },
} as const;

export const user = {
  type: 'object',
  required: ['name', 'id', 'pets'],
  properties: { name: text, id, pets: { type: 'array', items: pet } },
} as const;

const filled = { type: 'string', minLength: 1, maxLength: 200 } as const;

export const petCreate = {
  type: 'object',
  required: ['name', 'species'],
  properties: {
    name: filled,
    species: filled,
    age: { ...age, default: null },
    mood: { ...filled, default: 'happy' },
  },
} as const;

export const userCreate = {
  type: 'object',
  required: ['name'],
  properties: { name: filled },
} as const;

export const byId = { type: 'object', required: ['id'], properties: { id } } as const;

export const page = {
  type: 'object',
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 100 },
    offset: { type: 'integer', minimum: 0, default: 0 },
  },
} as const;
