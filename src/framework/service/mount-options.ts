import type { TObject } from '@sinclair/typebox';
import type { IdempotencyKeys } from '../idempotency/key-store.ts';
import type { Logger } from '../logging/logger.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { ServiceScope } from './define-service.ts';
import type { Readiness } from './readiness.ts';

/** A service to mount, or the app itself. */
export interface MountOptions {
  readonly name: string;
  /** Empty for the app itself, else `/` and the name. */
  readonly prefix: string;
  readonly log: Logger;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  /** A sentence for each tag, by its name. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The response of `GET <prefix>/`. */
  readonly home: { readonly schema: TObject; readonly body: Record<string, unknown> };
  /** Whether to serve a docs page. */
  readonly docs: boolean;
  /** The URLs of further documents for the docs page, by name. */
  readonly otherDocuments?: Readonly<Record<string, string>>;
  /** Returns the document to serve, if the routes of the scope do not define it. */
  document?(): OpenApiDocument;
  /** The idempotency keys of POST requests. Absent: the service has no database. */
  readonly keys?: IdempotencyKeys | undefined;
  ready(): Promise<Readiness>;
  register(scope: ServiceScope): Promise<void>;
}
