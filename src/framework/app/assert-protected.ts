import { basename } from 'node:path';
import { ConfigError } from '../config/config.ts';
import { findOpenExposure } from '../config/exposure.ts';
import { type Part, selectServices } from '../openapi/merge.ts';
import { countSecured } from '../openapi/response-contract.ts';
import type { Runtime } from './runtime.ts';

/** @throws {ConfigError} if other machines could call operations that need a credential, and `auth` is not configured. */
export async function assertProtected(
  { config, contract, app, server }: Runtime,
  parts: readonly Part[],
): Promise<void> {
  const elsewhere = Object.keys(config.services).filter((service) => !app.services.includes(service));
  const documents = parts.map(({ document }) => document);
  if (contract !== undefined && elsewhere.length > 0) documents.push(selectServices(contract, elsewhere));
  const secured = documents.reduce((sum, document) => sum + countSecured(document), 0);
  const mistake = findOpenExposure(config, secured);
  if (mistake === undefined) return;
  await server.close();
  throw new ConfigError(`${basename(config.file)}: ${mistake}`);
}
