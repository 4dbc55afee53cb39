/** A JSON schema, with the keywords that combine schemas. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  /** A list: the items of a tuple, as TypeBox 0.34 writes them. */
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly $ref?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

/**
 * Lists a schema, and after it all schemas that it refers to or combines, each once.
 * @param getSchema returns a schema of the service by its `$id`.
 */
export function listParts(
  schema: JsonSchema,
  getSchema: (id: string) => unknown,
  seen = new Set<JsonSchema>(),
): readonly JsonSchema[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const { $ref, anyOf = [], oneOf = [], allOf = [] } = schema;
  const target =
    $ref === undefined ? undefined : (getSchema($ref.replace(/#$/, '')) as JsonSchema | undefined);
  const parts = [...(target === undefined ? [] : [target]), ...anyOf, ...oneOf, ...allOf];
  return [schema, ...parts.flatMap((part) => listParts(part, getSchema, seen))];
}
