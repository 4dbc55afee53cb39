import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readServiceHeader, serviceHeader } from '../context/service-header.ts';

/** The sender of an internal request: a service that calls a peer, or a gateway that forwards a request. */
export type Caller = 'service' | 'gateway';

/** The header that names the caller and proves it by the shared secret. */
export const internalHeader = 'x-internal';

/** The header in which the gateway names the address of the client. */
export const clientAddressHeader = 'x-client-address';

/** Proves that a request comes from an app of this project. */
export interface InternalCredential {
  /**
   * The headers that a caller sends, to configured peers only.
   * @param service the service that calls; undefined for a gateway.
   */
  headers(caller: Caller, service?: string): Readonly<Record<string, string>>;
  /** Returns the caller; undefined for a client from outside. */
  read(headers: Readonly<Record<string, string | string[] | undefined>>): Caller | undefined;
}

export function generateSecret(): string {
  return randomBytes(24).toString('base64url');
}

/** @param keys separate secrets of services, by name. Such a service proves its name only by its separate secret. */
export function createInternalCredential(
  secret: string,
  keys: Readonly<Record<string, string>> = {},
): InternalCredential {
  const service = `service ${secret}`;
  const gateway = `gateway ${secret}`;
  const isService = createComparison(service);
  const isGateway = createComparison(gateway);
  const own = new Map(
    Object.entries(keys).map(([name, key]) => [
      name,
      { value: `service ${key}`, is: createComparison(`service ${key}`) },
    ]),
  );
  return {
    headers(caller, name) {
      const value = caller === 'gateway' ? gateway : (own.get(name ?? '')?.value ?? service);
      return { [internalHeader]: value };
    },
    read(headers) {
      const sent = headers[internalHeader];
      if (typeof sent !== 'string') return undefined;
      const named =
        own.size === 0 ? undefined : own.get(readServiceHeader(headers[serviceHeader])?.name ?? '');
      if ((named?.is ?? isService)(sent)) return 'service';
      return isGateway(sent) ? 'gateway' : undefined;
    },
  };
}

/** Compares in constant time, so that the duration tells nothing about the secret. */
function createComparison(expected: string): (actual: string) => boolean {
  const expectedBytes = Buffer.from(expected);
  return (actual) => {
    const bytes = Buffer.from(actual);
    return bytes.length === expectedBytes.length && timingSafeEqual(bytes, expectedBytes);
  };
}
