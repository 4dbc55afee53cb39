import { nowMillis } from '../context/clock.ts';
import { customType } from './drizzle.ts';

const day = 86_400_000_000; // µs

/** Formatted dates by the number of their day, because timestamps of one day have the same date. */
const dates = new Map<number, string>();

/** Parts of a timestamp that have few values. Looking them up takes half the time of formatting them. */
const minutesOfDay = list(
  1440,
  (minute) => `T${digits(Math.floor(minute / 60), 2)}:${digits(minute % 60, 2)}:`,
);
const secondsOfMinute = list(60, (second) => `${digits(second, 2)}.`);
const thousand = list(1000, (value) => digits(value, 3));

function list(length: number, write: (index: number) => string): readonly string[] {
  return Array.from({ length }, (_, index) => write(index));
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}

/** Formats microseconds since 1970 as `2024-12-18T21:03:51.790256Z`. */
export function formatInstant(micros: number): string {
  const days = Math.floor(micros / day);
  const ofDay = micros - days * day;
  const seconds = Math.floor(ofDay / 1_000_000);
  const minutes = Math.floor(seconds / 60);
  const ofSecond = ofDay - seconds * 1_000_000;
  const millis = Math.floor(ofSecond / 1000);
  const second = secondsOfMinute[seconds - minutes * 60];
  return `${dateOf(days)}${minutesOfDay[minutes]}${second}${thousand[millis]}${thousand[ofSecond - millis * 1000]}Z`;
}

function dateOf(days: number): string {
  let date = dates.get(days);
  if (date === undefined) {
    date = new Date(days * (day / 1000)).toISOString().slice(0, -'T00:00:00.000Z'.length);
    if (dates.size >= 1000) dates.clear();
    dates.set(days, date);
  }
  return date;
}

/** Parses what `formatInstant` returns to microseconds since 1970. */
export function parseInstant(instant: string): number {
  return Date.parse(`${instant.slice(0, 23)}Z`) * 1000 + Number(instant.slice(23, 26));
}

/** Returns the microseconds since 1970. It follows the system clock if that is set. */
export function nowMicros(): number {
  return Math.floor(nowMillis() * 1000);
}

/**
 * Converts a timestamp to the value of a column.
 * @throws {TypeError} for a form that `formatInstant` does not return. SQLite would store null for an unreadable one.
 */
function toColumn(instant: string): number {
  // A `Date` is not a compile error, because the values of a statement have no types.
  const micros = typeof instant === 'string' ? parseInstant(instant) : Number.NaN;
  if (Number.isNaN(micros) || formatInstant(micros) !== instant)
    throw new TypeError('Expected a timestamp in the form 2024-12-18T21:03:51.790256Z, see formatInstant');
  return micros;
}

/** Defines a column of timestamps: microseconds since 1970 in the database, so that it can compare them; text in code. */
export const instant = customType<{ data: string; driverData: number }>({
  dataType: () => 'integer',
  fromDriver: formatInstant,
  toDriver: toColumn,
});
