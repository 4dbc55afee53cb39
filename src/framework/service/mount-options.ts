import type { TObject } from '@sinclair/typebox';
import type { IdempotencyKeys } from '../idempotency/key-store.ts';
import type { Logger } from '../logging/logger.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { ServiceScope } from './define-service.ts';
import type { Readiness } from './readiness.ts';

/** A service to mount, or the app itself. */
export interface MountOptions {
  readonly name: string;
  /** '' for the gateway, else '/' and the name. */
  readonly prefix: string;
  readonly log: Logger;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  /** One sentence for each tag, by its name. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The response of `GET <prefix>/`. */
  readonly home: { readonly schema: TObject; readonly body: Record<string, unknown> };
  /** Whether it has a docs page. */
  readonly docs: boolean;
  /** Documents beside its own that its docs page offers, by name. */
  readonly otherDocuments?: Readonly<Record<string, string>>;
  /** The document that it shows, if it is not made of its own routes. */
  document?(): OpenApiDocument;
  /** The idempotency keys of its POST requests; absent if it has no database. */
  readonly keys?: IdempotencyKeys | undefined;
  ready(): Promise<Readiness>;
  register(scope: ServiceScope): Promise<void>;
}
