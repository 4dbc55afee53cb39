import type { IncomingMessage, ServerResponse } from 'node:http';
// It adds operationId, summary, hide and produces to the type of a route's schema.
import type {} from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';

/** The scope in which a service registers its routes. The framework adds the prefix, the log, errors and documents. */
export type ServiceScope = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
