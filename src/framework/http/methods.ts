import { METHODS } from '../context/node-http.ts';

/** The methods that this server accepts: all that Node parses, without CONNECT, which asks for a tunnel. */
export const acceptedMethods: readonly string[] = METHODS.filter((method) => method !== 'CONNECT');
