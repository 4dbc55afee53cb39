/** Writes `generated/` from the folders of `src/services`: see --help. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import openapiTS, { astToString } from 'openapi-typescript';
import { buildApp } from '../src/framework/app/app.ts';
import { readArguments } from '../src/framework/app/arguments.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { checkUse, type PeerUse } from '../src/framework/calls/peer-operations.ts';
import { checkConfig } from '../src/framework/config/config.ts';
import { DefinitionError } from '../src/framework/errors/definition-error.ts';
import { openLogging } from '../src/framework/logging/logger.ts';
import { findBreakingChanges } from '../src/framework/openapi/compatibility.ts';
import { mergeDocuments, mergedInfo } from '../src/framework/openapi/merge.ts';
import {
  defaultActsAs,
  findOperation,
  type OpenApiDocument,
} from '../src/framework/openapi/response-contract.ts';
import type { Service } from '../src/framework/service/define-service.ts';
import { root } from './lib/command.ts';
import { createExampleOptions } from './lib/example-options.ts';
import { describePeers } from './lib/peer-types.ts';
import { expectMigrations, listServiceFolders, runServiceCommand } from './lib/service-command.ts';

const target = join(root, 'generated');
const marker = 'Written by "npm run generate" from src/services; do not change it by hand.';

const help = `Usage: ./run.sh generate [--check]

Writes generated/ from the folders of src/services: the OpenAPI document of
each service, the merged document, its types, the types of calls from service
to service, and the list of services. Prints the changed files, and each change
that breaks a service that uses the changed operation. ./run.sh runs this
command by itself when a source has changed.

  --check         write nothing; print the differences, and fail if there are any
  --help          this text
`;

await runServiceCommand(async () => {
  const { values } = readArguments({ check: { type: 'boolean', default: false } });
  if (values.help) return console.log(help);
  const { files, merged, uses } = await generate(join(root, 'src/services'));
  if (values.check) return check(files);
  const breaks = describeBreaks(merged, uses);
  write(files);
  for (const line of breaks) console.log(line);
  if (breaks.length > 0) console.log('Run ./run.sh check: it names each place to adapt.');
});

/** Returns the content of each file of `generated/` by its path, and the operations that services use of their peers. */
async function generate(folder: string) {
  const names = listServiceFolders();
  const services = await loadServices(
    Object.fromEntries(names.map((name) => [name, () => import(join(folder, name, 'index.ts'))])),
  );
  for (const service of services.values()) expectMigrations(service);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { parts, uses } = await describe(services, version);
  const merged = mergeDocuments(parts, mergedInfo(version));
  const types = astToString(await openapiTS(merged as never, { defaultNonNullable: false }));

  const files = new Map<string, string>();
  for (const { service, document } of parts) files.set(`${service}/openapi.json`, toJson(document));
  files.set('openapi.json', toJson(merged));
  files.set('api.d.ts', `// ${marker}\n\n${types}`);
  files.set('peers.d.ts', `// ${marker}\n\n${describePeers(merged, names)}`);
  files.set('services.ts', listServices(names));
  return { files, merged, uses };
}

/** Compares the used operations with the contract that was generated before. Returns a line for each breaking change. */
function describeBreaks(merged: OpenApiDocument, uses: readonly PeerUse[]): string[] {
  const previous = read('openapi.json');
  if (previous === undefined) return [];
  const promised = JSON.parse(previous) as OpenApiDocument;
  return uses.flatMap((use) => {
    const mistake = findMistake(merged, use);
    if (mistake !== undefined) return [mistake];
    const found = findOperation(promised, `${use.peer}.${use.operationId}`);
    if (found === undefined) return [];
    const { method, path, operation } = found;
    const by = { service: use.service, as: defaultActsAs(use.service, operation.security) };
    return findBreakingChanges(promised, merged, { method, path, sends: use.sends, by }).map(
      ({ operation: target, field, reason }) =>
        `${use.service} uses ${target}: ${field === '' ? reason : `${field} ${reason}`}`,
    );
  });
}

/** Describes the use of an operation or a query parameter that the peer does not have. */
function findMistake(merged: OpenApiDocument, use: PeerUse): string | undefined {
  try {
    checkUse(merged, use);
    return undefined;
  } catch (error) {
    if (error instanceof DefinitionError) return error.message;
    throw error;
  }
}

/** Builds every service in one app that never listens, on databases in memory, and reads their documents. */
async function describe(services: ReadonlyMap<string, Service>, version: string) {
  const config = checkConfig(
    {
      services: Object.fromEntries(
        [...services].map(([name, service]) => [
          name,
          {
            ...(service.migrations !== undefined && { database: 'sqlite::memory:' }),
            ...(service.options !== undefined && { options: createExampleOptions(service) }),
          },
        ]),
      ),
      apps: { gateway: { port: 0, services: [...services.keys()] } },
    },
    services,
    join(root, 'config.yaml'),
  );
  const logging = await openLogging({ level: 'silent', console: 'none' });
  const app = await buildApp({ config, name: 'gateway', services, logging, version });
  const parts = app.documents();
  await app.stop();
  return { parts, uses: app.uses };
}

function listServices(names: readonly string[]): string {
  const lines = names.map(
    (name) => `  ${JSON.stringify(name)}: () => import('../src/services/${name}/index.ts'),\n`,
  );
  return `// ${marker}\n\n/** Imports each service by its name. Literal paths let a bundler follow them. */\nexport const services = {\n${lines.join('')}};\n`;
}

function toJson(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

function write(files: ReadonlyMap<string, string>): void {
  for (const [path, content] of files) {
    if (read(path) === content) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), content);
    console.log(`generated/${path}`);
  }
  for (const path of extraFiles(files)) {
    rmSync(join(target, path), { recursive: true });
    console.log(`generated/${path} removed`);
  }
}

function check(files: ReadonlyMap<string, string>): void {
  const stale = [...files].filter(([path, content]) => read(path) !== content);
  for (const [path, content] of stale) {
    console.error(`generated/${path} is stale:`);
    console.error(
      createTwoFilesPatch('committed', 'generated', read(path) ?? '', content, '', '', { context: 2 }),
    );
  }
  const extra = extraFiles(files);
  for (const path of extra) console.error(`generated/${path} belongs to no service`);
  if (stale.length + extra.length > 0) {
    console.error('Run "npm run generate", and commit what it writes.');
    process.exitCode = 1;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(target, path), 'utf8');
  } catch {
    return undefined;
  }
}

/** Lists the files of `generated/` that belong to a deleted service. */
function extraFiles(files: ReadonlyMap<string, string>): string[] {
  return readdirSync(target, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1))
    .filter((path) => !files.has(path));
}
