import { type Alternative, listAlternatives, listOf } from './alternatives.ts';
import { propertySchemas } from './containers.ts';
import type { Schema, SchemaDocument } from './schema-document.ts';

/** The depth of properties that are compared. A discriminator such as `kind` is rarely deeper. */
const maxDepth = 3;

/** Whether no value of an alternative matches a schema of the receiver. Returns false if that is not proven. */
export function isDisjoint(
  sender: SchemaDocument,
  receiver: SchemaDocument,
  sent: Alternative,
  other: Schema,
  depth = 0,
): boolean {
  if (sent.value !== undefined) return !receiver.accepts(other, sent.value.is);
  return listAlternatives(receiver, [other]).every((one) => {
    const [type, otherType] = [sent.type, one.type].map((name) => (name === 'integer' ? 'number' : name));
    if (type !== otherType) return true;
    if (type !== 'object' || one.value !== undefined || depth === maxDepth) return false;
    // Two objects differ if a required property differs.
    const required = [...sent.nodes, ...one.nodes].flatMap((node) => listOf<string>(node.required));
    return required.some((name) => {
      const [values, others] = [propertySchemas(sent.nodes, name), propertySchemas(one.nodes, name)];
      if (values.length === 0 || others.length === 0) return false;
      return listAlternatives(sender, values).every((value) =>
        others.some((schema) => isDisjoint(sender, receiver, value, schema, depth + 1)),
      );
    });
  });
}
