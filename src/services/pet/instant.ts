const day = 86_400_000_000; // µs

/** The last dates that were written, by the number of their day: times of one day share the calendar's work. */
const dates = new Map<number, string>();

/** The parts of a time that are few: to look them up takes half the time of writing their digits. */
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

/** A time as the contract has it, `2024-12-18T21:03:51.790256Z`, from microseconds since 1970. */
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

/** Microseconds since 1970, from a time as `formatInstant` writes it. */
export function parseInstant(instant: string): number {
  return Date.parse(`${instant.slice(0, 23)}Z`) * 1000 + Number(instant.slice(23, 26));
}

let offset = Date.now() - performance.now();

/**
 * The time now, in microseconds since 1970: the clock of the system, which has milliseconds, with the digits of
 * the one that counts from the start. It follows the system's clock wherever that is set.
 */
export function nowMicros(): number {
  const millis = Date.now();
  const fine = performance.now();
  if (Math.abs(millis - (offset + fine)) > 1) offset = millis - fine;
  return Math.floor((offset + fine) * 1000);
}
