import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { rejectEndedSessions } from '../../../src/framework/app/ended-sessions.ts';
import { anonymous } from '../../../src/framework/context/principal.ts';
import { FeedLost, type ReadFeed } from '../../../src/framework/events/read-feed.ts';

const realNow = performance.now.bind(performance);
let passedMs = 0;
beforeAll(() => void vi.spyOn(performance, 'now').mockImplementation(() => realNow() + passedMs));
afterAll(() => vi.mocked(performance.now).mockRestore());

const principal = { ...anonymous, kind: 'user' as const, sub: '1', session: 'one' };
const batch = (...ended: string[]) => ({
  events: ended.map((subject) => ({ subject, time: new Date().toISOString() })) as never,
  next: 'a-1',
  newest: 'a-1',
});

/** Checks a token of a session with this feed. */
const create = (readFeed: ReadFeed) => rejectEndedSessions(() => principal, readFeed);

test('a session that has ended is rejected after 45 s at the latest', async () => {
  let ended: string[] = [];
  const verify = create(async () => batch(...ended));
  expect(await verify('x')).toBe(principal);
  ended = ['one'];
  passedMs += 46_000;
  await expect(verify('x')).rejects.toThrow('the session has ended');
  await expect(verify('x')).rejects.toThrow('the session has ended');
});

test('no request waits for an issuer that did not respond to the last request', async () => {
  let answer: () => Promise<ReturnType<typeof batch>> = async () => batch();
  const verify = create(() => answer());
  await verify('x');
  answer = () => Promise.reject(new Error('no response in time'));
  passedMs += 46_000;
  expect(await verify('x')).toBe(principal);
  answer = () => new Promise(() => {});
  passedMs += 2_000;
  expect(await verify('x')).toBe(principal);
});

test('a feed of another history is read again from its beginning', async () => {
  const positions: (string | null)[] = [];
  const verify = create(async (position) => {
    positions.push(position);
    if (positions.length === 2) throw new FeedLost('rewound', 'b-1', undefined);
    return positions.length === 1 ? batch() : batch('one');
  });
  await verify('x');
  for (let count = 0; count < 2; count += 1) {
    passedMs += 46_000;
    await Promise.resolve(verify('x')).catch(() => {});
  }
  expect(positions).toEqual([null, 'a-1', null]);
  await expect(verify('x')).rejects.toThrow('the session has ended');
});

test('all pages of the feed are read before a token is accepted', async () => {
  const pages = [
    { ...batch('two'), newest: 'a-2' },
    { ...batch('one'), next: 'a-2', newest: 'a-2' },
  ];
  const verify = create(async () => pages.shift() ?? batch());
  await expect(verify('x')).rejects.toThrow('the session has ended');
});

test('an issuer that is away gets at most one request a second', async () => {
  const now = performance.now();
  let passed = 0;
  vi.mocked(performance.now).mockImplementation(() => now + passed);
  let reads = 0;
  const verify = create(async () => {
    reads += 1;
    throw new Error('away');
  });
  for (const [ms, expected] of [
    [0, 1],
    [1_000, 1],
    [1_001, 2],
    [2_001, 2],
    [2_002, 3],
  ] as const) {
    passed = ms;
    for (let count = 0; count < 3; count += 1) expect(await verify('x')).toBe(principal);
    expect([ms, reads]).toEqual([ms, expected]);
  }
  vi.mocked(performance.now).mockImplementation(() => realNow() + passedMs);
});
