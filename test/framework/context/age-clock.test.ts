import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAgeClock } from '../../../src/framework/context/age-clock.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.UTC(2026, 10, 27);

/** Makes a system clock that a test can move, and an age clock that is read every minute, as by the server. */
function makeClocks({ newest, ahead = 0 }: { newest?: number; ahead?: number } = {}) {
  let elapsed = 5_000;
  let offset = start - elapsed + ahead;
  const clock = createAgeClock(newest, { now: () => elapsed + offset, elapsed: () => elapsed });
  return {
    clock,
    move: (ms: number) => {
      offset += ms;
    },
    pass(ms: number) {
      for (const end = elapsed + ms; elapsed < end; ) {
        elapsed = Math.min(end, elapsed + minute);
        clock.earliest();
      }
    },
    /** The true time: the system clock without its jumps. */
    now: () => start - 5_000 + elapsed,
  };
}

test('the age clock equals the system clock while that does not jump', () => {
  const { clock, pass, now } = makeClocks({ newest: start - 7 });
  pass(3 * hour);
  expect([clock.earliest(), clock.latest()]).toEqual([now(), now()]);
});

test.for([2 * day, -2 * day, 40_000 * day])('a brief jump of %d ms expires no key', (jump) => {
  const { clock, move, pass, now } = makeClocks();
  pass(10 * hour);
  const written = [clock.latest()];
  move(jump);
  written.push(clock.latest());
  pass(5 * minute);
  move(-jump);
  written.push(clock.latest());
  for (let time = 0; time < 20; time += 1) {
    pass(hour);
    for (const at of written) expect(clock.earliest() - at).toBeLessThan(day);
  }
  expect(Math.abs(clock.earliest() - now())).toBeLessThan(1);
});

test('the age clock accepts a jump that lasts longer than an hour', () => {
  const { clock, move, pass, now } = makeClocks();
  move(2 * day);
  pass(hour + 2 * minute);
  pass(hour);
  expect([clock.earliest(), clock.latest()]).toEqual([now() + 2 * day, now() + 2 * day]);
});

test('a process that starts while the system clock is ahead does not expire its keys', () => {
  const newest = start - minute;
  const { clock, move, pass, now } = makeClocks({ newest, ahead: 2 * day });
  expect(clock.earliest()).toBeLessThanOrEqual(newest + 1);
  pass(10 * minute);
  move(-2 * day);
  pass(3 * hour);
  expect(clock.earliest() - newest).toBeLessThan(4 * hour);
  expect(Math.abs(clock.earliest() - now())).toBeLessThan(1);
});

test('the age clock equals the system clock an hour after a long stop', () => {
  const newest = start - 30 * day;
  const { clock, pass, now } = makeClocks({ newest });
  expect(clock.latest()).toBe(now());
  pass(hour + minute);
  expect(clock.earliest()).toBe(now());
});

test('the true time is between earliest and latest while each jump lasts less than an hour', () => {
  const jump = fc.record({
    ms: fc.integer({ min: -3 * day, max: 3 * day }),
    lasts: fc.integer({ min: 1, max: 50 * minute }),
    rest: fc.integer({ min: 2 * hour, max: 5 * hour }),
  });
  fc.assert(
    fc.property(fc.array(jump, { maxLength: 5 }), (jumps) => {
      const { clock, move, pass, now } = makeClocks();
      const isRight = () => clock.earliest() <= now() && clock.latest() >= now();
      return jumps.every(({ ms, lasts, rest }) => {
        move(ms);
        pass(lasts);
        const isRightMeanwhile = isRight();
        move(-ms);
        pass(rest);
        return isRightMeanwhile && isRight();
      });
    }),
  );
});
