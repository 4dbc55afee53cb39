import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { readRequestId } from '#common/context.ts';
import type { Logger } from '#common/logger.ts';
import { answerProblem } from '#common/problem-handler.ts';
import { bodies } from './bodies.ts';
import { answerUnrouted, createClientErrorHandler } from './connection.ts';
import { drain } from './drain.ts';
import { lateness } from './lateness.ts';
import { fixed, type Limits } from './limits.ts';
import { forwardedMethods } from './proxy.ts';
import { requests } from './requests.ts';
import { routerOptions, routing } from './routing.ts';
import { ajv, schemaController } from './validation.ts';

/** A Fastify with all that holds for every request, whoever answers it; `log` is that of the app's own lines. */
export async function createServer(log: Logger, limits: Limits): Promise<FastifyInstance> {
  const { time } = limits;
  const server = Fastify({
    bodyLimit: limits.body,
    requestTimeout: time.request,
    keepAliveTimeout: time.idle,
    http: {
      maxHeaderSize: limits.headers,
      headersTimeout: time.headers,
      connectionsCheckingInterval: fixed.checkEvery,
      // No events of a stream for a body that is not there.
      ...{ optimizeEmptyRequests: true },
    },
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => readRequestId(request.headers),
    routerOptions: { ...routerOptions, maxParamLength: limits.parameter },
    ajv,
    schemaController,
    return503OnClosing: false,
    frameworkErrors: answerUnrouted as never,
    clientErrorHandler: createClientErrorHandler(log),
  }) as unknown as FastifyInstance;
  for (const method of forwardedMethods) {
    if (!server.supportedMethods.includes(method)) server.addHttpMethod(method, { hasBody: true });
  }
  server.setErrorHandler(answerProblem);
  await server.register(requests);
  await server.register(drain);
  await server.register(lateness, { time });
  await server.register(routing, { maxUrlLength: limits.url });
  await server.register(bodies);
  return server;
}
