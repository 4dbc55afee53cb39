import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet, { type HelmetOptions } from 'helmet';
import { expect, test } from 'vitest';
import { createSecurityHeaders, pageHeaders } from '../../../src/framework/http/security-headers.ts';

/** Returns the headers that helmet sets. */
function headersOf(options: HelmetOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader(name: string, value: string) {
      headers[name.toLowerCase()] = value;
    },
    removeHeader() {},
  };
  helmet(options)({} as IncomingMessage, response as unknown as ServerResponse, () => {});
  return headers;
}

const data = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  xFrameOptions: { action: 'deny' },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
} satisfies HelmetOptions;
const message = 'helmet sends other headers now: decide whether security-headers.ts should send them too';

test.each([undefined, { maxAge: 600, includeSubDomains: true }, { maxAge: 0, includeSubDomains: false }])(
  'the headers of data equal those of helmet, with hsts %j',
  (hsts) => {
    const expected = headersOf({ ...data, strictTransportSecurity: hsts ?? false });
    expect(createSecurityHeaders(hsts), message).toEqual(expected);
  },
);

test('the headers of the docs pages equal those of helmet', () => {
  const expected = headersOf({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: false,
  });
  expect(pageHeaders, message).toEqual(expected);
});
