import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import ts from 'typescript';
import { root } from '../../e2e/process/helper.ts';
import type { Json } from './helper.ts';

const checked = join(root, 'manifests.ts');
const options: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  // Accepts no `undefined`, and a field that no type declares is an error.
  exactOptionalPropertyTypes: true,
  types: [],
  lib: ['lib.es5.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};

/**
 * Lists the mistakes of manifests by the types that kubernetes-types generates from the OpenAPI document of Kubernetes: an
 * unknown field, a missing field, a wrong type. The document itself forbids no unknown field, so a validator of JSON Schema
 * would accept a misspelled one; the compiler does not.
 */
export function findKubernetesMistakes(manifests: readonly Json[]): string[] {
  const lines = manifests.map(
    (one, index) => `export const m${index}: ${typeOf(one)} = ${JSON.stringify(one)};`,
  );
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile;
  host.getSourceFile = (name, target, ...rest) =>
    name === checked ? ts.createSourceFile(name, lines.join('\n'), target) : read(name, target, ...rest);
  const program = ts.createProgram([checked], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
    const { kind, metadata } = manifests[line];
    return `${kind} ${metadata.name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

/** `apps/v1` is in the module `apps/v1`, `networking.k8s.io/v1` in `networking/v1`, and `v1` in `core/v1`. */
function typeOf({ apiVersion, kind }: Json): string {
  const [version, group = 'core'] = apiVersion.split('/').reverse();
  return `import('kubernetes-types/${group.split('.')[0]}/${version}').${kind}`;
}

// dclint has the schema of the Compose Specification as published.
const folder = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
const { $schema: _, ...schema } = JSON.parse(
  readFileSync(join(folder, 'schemas/compose.schema.json'), 'utf8'),
);
const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);

/** Lists the mistakes of a Compose file by the schema of the Compose Specification, which forbids unknown fields. */
export function findComposeMistakes(compose: Json): string[] {
  if (validate(compose)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
