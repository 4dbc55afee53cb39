import { exampleOf, meaningOf, problemMediaType } from '../errors/problem.ts';
import { batchMediaType } from '../openapi/event-feed.ts';
import { product } from '../openapi/product.ts';
import { countSecured, type OpenApiDocument } from '../openapi/response-contract.ts';

type Media = Readonly<Record<string, unknown>>;
interface Response {
  readonly $ref?: string;
  readonly description: string;
  readonly headers?: object;
  readonly content?: Readonly<Record<string, Media>>;
}
interface Operation {
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name: string }[];
  readonly responses?: Readonly<Record<string, Response>>;
}

export interface DocumentOptions {
  /** A sentence for each tag, by its name. Default: the description of the document. */
  readonly tags: Readonly<Record<string, string>>;
  /** The prefix of the paths. */
  readonly prefix: string;
  /** Whether a path of the document is exempt from the rate limit. */
  isExempt(path: string): boolean;
}

const headers = {
  'www-authenticate': {
    description: 'The scheme and what is wrong with the credential (RFC 6750)',
    schema: { type: 'string' },
  },
  'x-request-id': {
    description: 'The id of the request in all of its log entries: the id that the client sent, or a new one',
    schema: { type: 'string' },
  },
  'retry-after': { description: 'The number of seconds after which to retry', schema: { type: 'string' } },
  allow: { description: 'With 405: the methods of the path', schema: { type: 'string' } },
  'idempotent-replayed': {
    description: 'The response to an earlier request with this key',
    schema: { type: 'string', const: 'true' },
  },
  'x-feed-newest': { description: 'The newest position of the feed', schema: { type: 'string' } },
};

/**
 * Adds to a service's document the parts that all services share: security, license, descriptions of tags, common errors,
 * examples of errors and response headers. Values of the service take precedence.
 */
export function completeDocument(document: OpenApiDocument, options: DocumentOptions): OpenApiDocument {
  const { license, contact } = product;
  const {
    headers: own,
    securitySchemes,
    ...components
  } = (document.components ?? {}) as Readonly<Record<string, object>>;
  const paths = mapValues(document.paths, (item, path) =>
    mapValues(item, (operation) => completeOperation(operation as Operation, path, options)),
  );
  const { openapi, info, servers, ...rest } = document;
  const about = info as { description: string };
  return {
    openapi,
    info: { ...about, license, contact },
    ...(servers !== undefined && { servers }),
    // By default no operation needs a credential.
    security: [],
    ...rest,
    tags: describeTags(paths, (tag) => options.tags[tag] ?? about.description),
    paths: paths as OpenApiDocument['paths'],
    components: {
      ...components,
      ...(countSecured(document) > 0 && { securitySchemes }),
      headers: { ...listUsedHeaders(paths), ...own },
    },
  };
}

function listUsedHeaders(paths: object) {
  const used = JSON.stringify(paths);
  const all = Object.entries(headers);
  return Object.fromEntries(all.filter(([name]) => used.includes(`"${referToHeader(name)}"`)));
}

function referToHeader(name: string): string {
  return `#/components/headers/${name}`;
}

/** Lists the tags in the order of their first use. */
function describeTags(paths: Record<string, Record<string, Operation>>, describe: (tag: string) => string) {
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  const used = new Set(operations.flatMap((operation) => operation.tags ?? []));
  return [...used].map((name) => ({ name, description: describe(name) }));
}

function completeOperation(
  operation: Operation,
  path: string,
  { prefix, isExempt }: DocumentOptions,
): Operation {
  const errors = isExempt(path) ? ['default'] : ['429', 'default'];
  const responses = {
    ...Object.fromEntries(errors.map((status) => [status, describeError(status)])),
    ...operation.responses,
  };
  const isKeyed = operation.parameters?.some(({ name }) => name === 'Idempotency-Key') ?? false;
  return {
    ...operation,
    responses: mapValues(responses, (response, status) =>
      response.$ref === undefined ? completeResponse(response, status, prefix + path, isKeyed) : response,
    ),
  };
}

function describeError(status: string): Response {
  const schema = { $ref: '#/components/schemas/Problem' };
  return { description: meaningOf(status), content: { [problemMediaType]: { schema } } };
}

function completeResponse(response: Response, status: string, path: string, isKeyed: boolean): Response {
  const names = ['x-request-id'];
  if (['429', '503', '504', '507', 'default'].includes(status)) names.push('retry-after');
  if (status === 'default') names.push('allow');
  if (status === '401' || status === '403') names.push('www-authenticate');
  if (status.startsWith('2') && isKeyed) names.push('idempotent-replayed');
  if (response.content?.[batchMediaType] !== undefined) names.push('x-feed-newest');
  const content = mapValues(response.content ?? {}, (media, type) =>
    type === problemMediaType && !('example' in media || 'examples' in media)
      ? { ...media, example: exampleOf(status, path.replace(/\{[^}]*\}/g, '1')) }
      : media,
  );
  return {
    ...response,
    headers: {
      ...Object.fromEntries(names.map((name) => [name, { $ref: referToHeader(name) }])),
      ...response.headers,
    },
    ...(response.content !== undefined && { content }),
  };
}

function mapValues<From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value, key)]));
}
