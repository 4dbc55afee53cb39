const day = 86_400_000_000; // µs

/** The last dates that were written, by the number of their day: times of one day share the calendar's work. */
const dates = new Map<number, string>();

/** A time as the contract has it, `2024-12-18T21:03:51.790256Z`, from microseconds since 1970. */
export function formatInstant(micros: number): string {
  const days = Math.floor(micros / day);
  const rest = micros - days * day;
  const seconds = Math.floor(rest / 1_000_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return `${dateOf(days)}T${two(hours)}:${two(minutes - hours * 60)}:${two(seconds - minutes * 60)}.${String(
    rest - seconds * 1_000_000,
  ).padStart(6, '0')}Z`;
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

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
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
