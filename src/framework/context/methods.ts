import { METHODS } from './node-http.ts';

/** The methods that this server accepts: all that Node parses, without CONNECT, which asks for a tunnel. */
export const acceptedMethods: readonly string[] = METHODS.filter((method) => method !== 'CONNECT');

/** The methods that change nothing on the server (RFC 9110, section 9.2.1). */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
