import { Type } from '@sinclair/typebox';
import type { MountOptions } from './mount.ts';

/** What `GET /<service>/` answers. */
export function describeService(name: string, hasDocs: boolean): MountOptions['home'] {
  const links = { ...(hasDocs && { docs: `/${name}/docs` }), openapi: `/${name}/openapi.json` };
  return {
    schema: Type.Object(
      { name: Type.String(), ...(hasDocs && { docs: Type.String() }), openapi: Type.String() },
      { description: 'Its name, and where its documents are', examples: [{ name, ...links }] },
    ),
    body: { name, ...links },
  };
}

/** What `GET /` answers. */
export function describeApp(name: string, services: readonly string[]): MountOptions['home'] {
  return {
    schema: Type.Object({ message: Type.String(), services: Type.Array(Type.String()) }),
    body: { message: `${name[0]?.toUpperCase()}${name.slice(1)} is running`, services },
  };
}
