import { expect, test } from 'vitest';
import { extract, inject } from '../../../src/framework/context/propagation.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('extract reads hops and deadline only from a trusted caller', () => {
  const headers = { 'x-hops': '2', 'x-deadline-ms': '100', traceparent };
  expect(extract(headers, 'a', false)).toMatchObject({
    hops: 0,
    deadline: Number.POSITIVE_INFINITY,
    traceparent,
  });
  const trusted = extract(headers, 'a', true);
  expect(trusted.hops).toBe(2);
  expect(trusted.deadline).toBeLessThanOrEqual(performance.now() + 100);
});

test('extract reads every field that inject writes', () => {
  const context = {
    requestId: 'a',
    hops: 2,
    deadline: performance.now() + 5_000,
    traceparent,
    tracestate: 'a=b',
  };
  const received = extract(inject(context), 'a', true);
  // Authentication adds the credential, after it has verified it.
  expect(Object.keys(received).sort()).toEqual(['authorization', ...Object.keys(context)].sort());
  expect(extract({ authorization: 'Bearer a' }, 'a', true).authorization).toBeUndefined();
  expect(received).toMatchObject({ requestId: 'a', hops: 3, traceparent, tracestate: 'a=b' });
  expect(Math.abs(received.deadline - context.deadline)).toBeLessThan(1_000);
});

test('a tracestate is propagated up to 512 characters, and only with a traceparent', () => {
  const read = (length: number) => extract({ traceparent, tracestate: 'a'.repeat(length) }, 'a', true);
  expect(read(512).tracestate).toHaveLength(512);
  expect(read(513).tracestate).toBeUndefined();
  expect(extract({ tracestate: 'a' }, 'a', true).tracestate).toBeUndefined();
});
