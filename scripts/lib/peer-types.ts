/** Writes generated/peers.d.ts: the operations that services can call of each other. */
import { commonTag } from '../../src/framework/openapi/merge.ts';
import type { OpenApiDocument } from '../../src/framework/openapi/response-contract.ts';

/** Declares the operations of each service by operationId. Their types are those of api.d.ts. */
export function describePeers(merged: OpenApiDocument, services: readonly string[]): string {
  const members = services.map(
    (service) => `    ${toKey(service)}: {\n${listOperations(merged, service)}    };\n`,
  );
  return `import type { operations } from './api.d.ts';

declare module '../src/framework/calls/peers.ts' {
  interface Peers {
${members.join('')}  }
}
`;
}

function listOperations({ paths }: OpenApiDocument, service: string): string {
  return Object.entries(paths)
    .flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId: id, tags }]) => ({ path, method, id, tags })),
    )
    .filter(({ id, tags }) => id?.startsWith(`${service}.`) && !tags?.includes(`${service}.${commonTag}`))
    .map(({ path, method, id = '' }) => {
      const key = toKey(id.slice(service.length + 1));
      return `      /** ${method.toUpperCase()} ${path} */\n      ${key}: operations[${toText(id)}];\n`;
    })
    .join('');
}

/** Quotes the name of a member if it is not an identifier. */
function toKey(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : toText(name);
}

function toText(value: string): string {
  return `'${value.replace(/['\\]/g, '\\$&')}'`;
}
