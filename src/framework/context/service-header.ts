import type { ActsAs } from './principal.ts';

/**
 * The header with the name of the calling service. Receivers ignore it without a valid `x-internal`. With `<name>
 * caller` the service acts for the client of the request that it handles, and `authorization` has the token of that
 * client. Without a token, the call is anonymous.
 */
export const serviceHeader = 'x-service';

export function writeServiceHeader(service: string, as: ActsAs): string {
  return as === 'service' ? service : `${service} caller`;
}

export function readServiceHeader(sent: string | string[] | undefined) {
  const [, name, caller] = /^([a-z][a-z0-9-]*)( caller)?$/.exec(String(sent)) ?? [];
  return name === undefined || sent === undefined ? undefined : { name, isForCaller: caller !== undefined };
}
