import { basename } from 'node:path';
import { type Config, ConfigError } from '../config/config.ts';
import { findOpenExposure } from '../config/exposure.ts';
import { countSecured, type OpenApiDocument } from '../openapi/response-contract.ts';

/**
 * @param documents the documents of all services of the config.
 * @throws {ConfigError} if other machines could call operations that need a credential, and `auth` is not configured.
 */
export function assertProtected(config: Config, documents: readonly OpenApiDocument[]): void {
  const secured = documents.reduce((sum, document) => sum + countSecured(document), 0);
  const mistake = findOpenExposure(config, secured);
  if (mistake !== undefined) throw new ConfigError(`${basename(config.file)}: ${mistake}`);
}
