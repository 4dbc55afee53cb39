import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type Context, currentContext } from '../context/context.ts';
import { anonymous, type Principal, servicePrincipal } from '../context/principal.ts';
import type { PropagatedContext } from '../context/propagation.ts';
import { readServiceHeader, serviceHeader } from '../context/service-header.ts';
import { type Problem, ServiceUnavailable } from '../errors/problem.ts';
import { reasonOf } from '../errors/reason.ts';
import { credentialInvalid, findRefusal } from './authorize.ts';
import { KeysUnavailable } from './keys-unavailable.ts';
import type { VerifyCredential } from './token-verifier.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the gateway forwards the requests of the route to another app. */
    isForwarded?: boolean;
  }
}

/**
 * Identifies the sender of a request, and rejects the request if its route does not allow that sender. This happens
 * before the body is read, so also before validation and idempotency keys. A credential that is not valid is rejected
 * on open routes too.
 * @param verify undefined: `auth` is off, and every route is open.
 */
export const authentication = fp<{ readonly verify: VerifyCredential | undefined }>(
  async (app, { verify }) => {
    if (verify === undefined) return;

    app.addHook('onRequest', (request, _reply, done) => {
      // The service authorizes forwarded requests. A path that does not exist needs no authorization.
      const { config } = request.routeOptions;
      if (config.isForwarded === true || request.is404) return done();
      const { authorization } = request.headers;
      if (authorization === undefined) return done(admit(request, principalOf(readService(request)), config));
      const user = verify(authorization);
      if (!(user instanceof Promise)) return done(admit(request, user, config));
      user.then(
        (verified) => done(admit(request, verified, config)),
        (error) => done(toProblem(request, error, config)),
      );
    });
  },
  { name: 'authentication', dependencies: ['request-lifecycle'] },
);

type RouteConfig = FastifyRequest['routeOptions']['config'];

/** Sets the principal of a request. Returns the problem if its route does not allow that principal. */
function admit(request: FastifyRequest, sender: Principal, { security }: RouteConfig): Problem | undefined {
  const via = sender.kind === 'user' ? readService(request)?.name : undefined;
  const principal = via === undefined ? sender : { ...sender, via };
  const refusal = findRefusal(principal, security);
  if (refusal === undefined && principal !== anonymous)
    setPrincipal(principal, request.headers.authorization);
  return refusal;
}

/**
 * Returns the problem of a credential that was not verified. Undefined if the keys are not available and the route is
 * open: the request is anonymous.
 */
function toProblem({ log }: FastifyRequest, error: unknown, { security }: RouteConfig): Problem | undefined {
  if (!(error instanceof KeysUnavailable)) {
    log.info({ reason: (error as Error).message }, 'a credential is not valid');
    return credentialInvalid();
  }
  // The token can be neither accepted nor rejected. An open route needs none.
  if (security === undefined) return undefined;
  const { message } = error;
  log.warn({ error: message, reason: reasonOf(error) }, 'the keys of the issuer are not available');
  return new ServiceUnavailable('The credential cannot be verified now', { cause: error });
}

function principalOf(service: ReturnType<typeof readService>): Principal {
  return service === undefined || service.isForCaller ? anonymous : servicePrincipal(service.name);
}

type Changeable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/**
 * Adds the principal to the context of the running request. `requestLifecycle` has just created that context, so nothing
 * has copied it yet; a second context would cost a tenth of a read.
 */
function setPrincipal(principal: Principal, authorization: string | undefined): void {
  const context = currentContext() as Changeable<Context>;
  context.principal = principal;
  (context.propagated as Changeable<PropagatedContext>).authorization = authorization;
}

/** Returns the service that sent the request, if it has proved that. */
function readService({ caller, headers }: FastifyRequest) {
  return caller === 'service' ? readServiceHeader(headers[serviceHeader]) : undefined;
}
