import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type Context, currentContext, runInContext } from '../context/context.ts';
import { anonymous, type Principal, servicePrincipal } from '../context/principal.ts';
import { readServiceHeader, serviceHeader } from '../context/service-header.ts';
import { ServiceUnavailable } from '../errors/problem.ts';
import { credentialInvalid, findRefusal } from './authorize.ts';
import { KeysUnavailable } from './key-set.ts';
import type { VerifyToken } from './token-verifier.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the gateway forwards the requests of the route to another app. */
    isForwarded?: boolean;
  }
}

export interface AuthenticationOptions {
  /** Undefined: `auth` is off, and every route is open. */
  readonly verify: VerifyToken | undefined;
}

/**
 * Finds out who sends a request, and rejects it if its route does not allow that: before the body is read, and so before
 * validation and idempotency keys. A credential that is not valid is rejected on open routes too.
 */
export const authentication = fp<AuthenticationOptions>(
  async (app, { verify }) => {
    if (verify === undefined) return;

    app.addHook('onRequest', (request, _reply, done) => {
      const { security, isForwarded } = request.routeOptions.config;
      // The service decides about forwarded requests, and nobody about paths that do not exist.
      if (isForwarded === true || request.is404) return done();
      const { authorization } = request.headers;
      const service = readService(request);

      function allow(principal: Principal): void {
        const refusal = findRefusal(principal, security);
        if (refusal !== undefined) done(refusal);
        else if (principal === anonymous) done();
        else {
          const context = currentContext() as Context & Required<Pick<Context, 'propagated'>>;
          const propagated = { ...context.propagated, authorization };
          runInContext({ ...context, propagated, principal }, () => done());
        }
      }

      const allowUser = (user: Principal) =>
        allow(service === undefined ? user : { ...user, via: service.name });

      function refuse(reason: string): void {
        request.log.info({ reason }, 'a credential is not valid');
        done(credentialInvalid());
      }

      if (authorization === undefined) {
        const isForItself = service !== undefined && !service.isForCaller;
        return allow(isForItself ? servicePrincipal(service.name) : anonymous);
      }
      const token = bearer.exec(authorization)?.[1];
      if (token === undefined) return refuse('the header is not "Bearer" and one token');
      const result = verify(token);
      if (!(result instanceof Promise)) return allowUser(result);
      result.then(allowUser, (error: unknown) => {
        if (!(error instanceof KeysUnavailable)) return refuse((error as Error).message);
        // Without keys nobody knows whether the token is valid. An open route needs none.
        if (security === undefined) return done();
        request.log.warn({ err: error }, 'the keys of the issuer are not available');
        return done(new ServiceUnavailable('The credential cannot be verified now', { cause: error }));
      });
    });
  },
  { name: 'authentication', dependencies: ['request-lifecycle'] },
);

/** The credentials of RFC 6750, section 2.1. */
const bearer = /^Bearer +([\w.~+/-]+=*)$/i;

/** Returns the service that sent the request, if it has proved that. */
function readService({ caller, headers }: FastifyRequest) {
  return caller === 'service' ? readServiceHeader(headers[serviceHeader]) : undefined;
}
