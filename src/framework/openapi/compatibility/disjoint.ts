import { type Alternative, listAlternatives, listOf } from './alternatives.ts';
import { propertySchemas } from './containers.ts';
import type { Schema, SchemaDocument } from './schema-document.ts';

/** Objects are told apart by properties this deep, which is enough for a property such as `kind`. */
const maxDepth = 3;

/** Whether no value of an alternative matches a schema of the receiver's. False also where that is not proven. */
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
    // A property that is always there, and whose values never match both.
    const required = [...sent.nodes, ...one.nodes].flatMap((node) => listOf<string>(node.required));
    return required.some((name) => {
      const [ours, theirs] = [propertySchemas(sent.nodes, name), propertySchemas(one.nodes, name)];
      if (ours.length === 0 || theirs.length === 0) return false;
      return listAlternatives(sender, ours).every((value) =>
        theirs.some((schema) => isDisjoint(sender, receiver, value, schema, depth + 1)),
      );
    });
  });
}
