import type { OpenApiDocument } from './response-contract.ts';

/** The media type of a batch of CloudEvents: CloudEvents 1.0, JSON format, section 4. */
export const batchMediaType = 'application/cloudevents-batch+json';

/** The operationId of the feed of a service. */
export const feedOperationId = 'readEvents';

interface Schema {
  readonly $ref?: string;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: { readonly type?: { readonly const?: string; readonly enum?: readonly string[] } };
}

/** Lists the schemas of the events of a feed, by type, as locations of components in the document. */
export function listEventSchemas(
  document: OpenApiDocument,
  feed: { readonly method: string; readonly path: string },
): Map<string, readonly string[]> {
  const responses = document.paths[feed.path]?.[feed.method]?.responses as
    | Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>>
    | undefined;
  const item = responses?.['200']?.content?.[batchMediaType]?.schema?.items;
  const found = new Map<string, readonly string[]>();
  for (const { $ref } of item?.anyOf ?? (item === undefined ? [] : [item])) {
    const location = $ref?.slice('#/'.length).split('/') ?? [];
    const known = (findAt(document, location) as Schema | undefined)?.properties?.type;
    const type = known?.const ?? known?.enum?.[0];
    if (type !== undefined) found.set(type, location);
  }
  return found;
}

/** Returns the value at a location in a document. */
export function findAt(document: unknown, location: readonly string[]): unknown {
  return location.reduce<unknown>(
    (value, key) => (value as Readonly<Record<string, unknown>> | undefined)?.[key],
    document,
  );
}
