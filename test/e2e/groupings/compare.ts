import { sendRequest, type TestResponse } from '../../support/app.ts';

/** The arguments of `sendRequest`. */
export interface ComparedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The parts of a response that the comparison ignores, because they differ between two runs of one grouping. */
export const ignored = {
  // The last two belong to a connection, not to a response: RFC 9110, section 7.6.1.
  headers: ['date', 'x-request-id', 'connection', 'keep-alive'],
  body: ['timestamps (2024-12-18T21:03:51.790256Z)'],
  paths: ['/ready of the gateway: the names of its checks depend on the grouping'],
};

/** Describes the differences between two responses. */
export function differences(one: TestResponse, other: TestResponse): string[] {
  const found: string[] = [];
  if (one.status !== other.status) found.push(`status ${one.status} and ${other.status}`);
  const names = new Set([...one.headers.keys(), ...other.headers.keys()]);
  for (const name of names) {
    if (ignored.headers.includes(name)) continue;
    const [a, b] = [one.headers.get(name), other.headers.get(name)];
    if (a !== b) found.push(`header ${name}: ${a} and ${b}`);
  }
  const [a, b] = [withoutTimes(one.bytes), withoutTimes(other.bytes)];
  if (a !== b) found.push(`body ${a.slice(0, 300)} and ${b.slice(0, 300)}`);
  return found;
}

/** Sends requests one after another, because a response depends on the requests before it. */
export async function sendAll(url: string, requests: readonly ComparedRequest[]): Promise<TestResponse[]> {
  const responses: TestResponse[] = [];
  for (const { method, path, body, headers } of requests)
    responses.push(await sendRequest(`${url}${path}`, method, body, headers));
  return responses;
}

/** Adds credentials to requests: in turn none, a bad one, and twice a token. */
export function withToken(requests: readonly ComparedRequest[], token: string): ComparedRequest[] {
  const credentials = [undefined, 'Bearer x.y.z', `Bearer ${token}`, `Bearer ${token}`];
  return requests.map((request, index) => {
    const authorization = credentials[index % credentials.length];
    return {
      ...request,
      headers: { ...request.headers, ...(authorization !== undefined && { authorization }) },
    };
  });
}

/** Whether a response depends on the grouping, because the gateway gives it before a service sees the credential. */
export function isOfGateway({ path, body = '' }: ComparedRequest): boolean {
  // These name the services of the gateway.
  if (/^\/(openapi\.json|ready)?(\?|$)/.test(path)) return true;
  return body.length > 65_536;
}

function withoutTimes(body: Buffer): string {
  return String(body).replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/g, '<time>');
}

/** Creates a generator of numbers from 0 to below 1, with the same numbers for the same seed: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Generates valid and invalid requests of every kind. The same seed gives the same requests. */
export function makeRequests(seed: number, count: number): ComparedRequest[] {
  const random = createRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const id = () =>
    pick(['1', '2', '3', '4', '5', '6', '7', '9', '0', '-1', '007', '1e3', '0x10', '%207', 'x', '']);
  const json = { 'content-type': 'application/json' };
  const values = [
    'Rex',
    'Tom',
    '',
    null,
    7,
    '7',
    3.5,
    'ä€😀',
    'x'.repeat(200),
    'x'.repeat(201),
    true,
    [],
    {},
  ];
  const value = () => pick(values);
  const sending = (
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = json,
  ): ComparedRequest => {
    return { method, path, body: typeof body === 'string' ? body : JSON.stringify(body), headers };
  };
  const slash = () => pick(['', '/']);
  const good = { name: 'Rex', species: 'dog' };
  const kinds: (() => ComparedRequest)[] = [
    () => sending('POST', `/pet/pets${slash()}`, { ...good, age: pick([null, 0, 3, 1000]) }),
    () =>
      sending('POST', `/pet/pets${slash()}`, {
        name: value(),
        species: value(),
        age: value(),
        mood: value(),
      }),
    () => sending('POST', `/user/users${slash()}`, { name: pick(['Alice', 'Bob']) }),
    () => sending('POST', `/user/users${slash()}`, { name: value() }),
    () => ({ method: 'GET', path: `/pet/pets/${id()}${slash()}` }),
    () => ({ method: 'GET', path: `/user/users/${id()}${slash()}` }),
    () => ({ method: 'HEAD', path: `/pet/pets/${id()}` }),
    () => ({ method: 'GET', path: `/pet/pets?offset=${id()}&limit=${id()}` }),
    () => ({ method: 'GET', path: `/pet/pets/?ids=${id()}&ids=${id()}` }),
    () => ({
      method: 'GET',
      path: `/user/users/?offset=${pick(['0', '1', '99'])}&limit=${pick(['1', '2', '100'])}`,
    }),
    () =>
      sending('PATCH', `/pet/pets/${id()}`, { [pick(['name', 'age', 'mood', 'id', '__proto__'])]: value() }),
    () =>
      sending('PATCH', `/user/users/${id()}`, { pets_ids: [1, 2, 3, 4].slice(0, Math.floor(random() * 5)) }),
    () =>
      sending('PATCH', `/user/users/${id()}`, { name: value(), pets_ids: pick([[1], [99], ['1'], null]) }),
    () => ({ method: 'POST', path: `/user/users/${id()}/pets/${id()}` }),
    () =>
      sending('POST', `/user/users/${id()}/pets/${id()}`, '', {
        'content-type': 'application/x-www-form-urlencoded',
      }),
    () => ({ method: 'DELETE', path: `/user/users/${id()}/pets/${id()}` }),
    () => ({ method: 'POST', path: `/pet/pets/${id()}/${pick(['feed', 'treat', 'hydrate', 'wash'])}` }),
    () => ({
      method: pick(['PUT', 'OPTIONS', 'TRACE', 'PROPFIND', 'DELETE']),
      path: pick(['/pet/pets', '/user/users']),
    }),
    () => ({
      method: pick(['GET', 'POST', 'PROPFIND']),
      path: pick(['/nope', '/pet/nope', '/petx', '/user/nope/1']),
    }),
    () => ({
      method: 'GET',
      path: pick(['/', '/pet', '/pet/', '/user/', '/health', '/pet/health', '/user/ready']),
    }),
    () => ({ method: 'GET', path: pick(['/openapi.json', '/pet/openapi.json', '/user/openapi.json']) }),
    () => ({
      method: 'GET',
      path: pick(['/docs', '/pet/docs', '/user/docs/', '/pet/docs/static/swagger-ui.css']),
    }),
    () => sending('POST', '/pet/pets/', pick(['{', '', 'null', '[]', '"x"', '{"name":"Rex"', '\u0000'])),
    () => sending('POST', '/pet/pets/', 'name=Rex', { 'content-type': 'application/x-www-form-urlencoded' }),
    () => sending('POST', '/user/users/', JSON.stringify({ name: 'x'.repeat(70_000) })),
    () => ({
      method: 'POST',
      path: '/user/users/',
      body: '{"name":"Al"}',
      headers: { ...json, 'transfer-encoding': 'chunked' },
    }),
    () => ({
      method: 'GET',
      path: pick(['/pet/%zz', '/user/%', `/pet/pets/${'9'.repeat(150)}`, `/pet/${'x'.repeat(9000)}`]),
    }),
    () => ({
      method: 'GET',
      path: '/pet/pets/1',
      headers: { 'x-request-id': pick(['abc', 'no good', 'x'.repeat(65)]), 'x-hops': pick(['3', '4', '99']) },
    }),
    () => ({
      method: 'GET',
      path: '/pet/pets/1',
      headers: { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-host': 'evil', connection: 'close' },
    }),
    () =>
      random() < 0.3
        ? { method: 'DELETE', path: `/pet/pets/${id()}` }
        : { method: 'GET', path: '/pet/pets/' },
    () =>
      random() < 0.2
        ? { method: 'DELETE', path: `/user/users/${id()}` }
        : { method: 'GET', path: '/user/users/' },
  ];
  return Array.from({ length: count }, () => pick(kinds)());
}
