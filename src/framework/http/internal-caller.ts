import { randomBytes, timingSafeEqual } from 'node:crypto';

/** Which of our own sent a request: a service its call, or a gateway what it forwards. */
export type Caller = 'service' | 'gateway';

/** The header in which our own say so, with the key that proves it. */
export const internalHeader = 'x-internal';

/** Tells requests of our own processes from those that only claim to be. */
export interface InternalCredential {
  /** What a caller sends, to its configured neighbours alone. */
  headers(caller: Caller): Readonly<Record<string, string>>;
  /** Who sent a request; undefined for anybody outside. */
  read(headers: Readonly<Record<string, string | string[] | undefined>>): Caller | undefined;
}

export function generateSecret(): string {
  return randomBytes(24).toString('base64url');
}

export function createInternalCredential(key: string): InternalCredential {
  const service = `service ${key}`;
  const gateway = `gateway ${key}`;
  const isSame = compare(service);
  const isForwarded = compare(gateway);
  return {
    headers: (caller) => ({ [internalHeader]: caller === 'service' ? service : gateway }),
    read(headers) {
      const sent = headers[internalHeader];
      if (typeof sent !== 'string') return undefined;
      if (isSame(sent)) return 'service';
      return isForwarded(sent) ? 'gateway' : undefined;
    },
  };
}

/** Takes as long for a wrong text as for a nearly right one. */
function compare(text: string): (other: string) => boolean {
  const expected = Buffer.from(text);
  return (other) => {
    const got = Buffer.from(other);
    return got.length === expected.length && timingSafeEqual(got, expected);
  };
}
