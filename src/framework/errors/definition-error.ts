/** A mistake in the definition of a service. The message is one line that names the service, the route and the fix. */
export class DefinitionError extends Error {}
