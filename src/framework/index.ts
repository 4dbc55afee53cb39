/** The public API of the framework: what a service imports. Tables and repositories import `#framework/database`. */
export type { EventHandlers, FoundItems, Lookup, Peer } from './calls/peers.ts';
export { durationPattern, parseDuration } from './config/duration.ts';
export { bindContext, getCaller } from './context/context.ts';
export type { Principal } from './context/principal.ts';
export { listQuery } from './database/list-query.ts';
export { defineProblem, found, ok, type ProblemDefinition, peerProblems } from './errors/define-problem.ts';
export {
  Conflict,
  GatewayTimeout,
  NotFound,
  Problem,
  problems,
  ServiceUnavailable,
} from './errors/problem.ts';
export type { Emit } from './events/event-schemas.ts';
export { getLogger, type Logger } from './logging/logger.ts';
export { defaulted, Id, Instant, nullable, OkResponse, ref, Timestamp, text } from './openapi/schema.ts';
export {
  defineService,
  type Service,
  type ServiceContext,
  type ServiceScope,
} from './service/define-service.ts';
export { inSlices } from './service/sliced-list.ts';
