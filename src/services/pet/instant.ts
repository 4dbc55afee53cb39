/** A time as the contract has it, `2024-12-18T21:03:51.790256Z`, from microseconds since 1970. */
export function formatInstant(micros: number): string {
  const millis = Math.floor(micros / 1000);
  const rest = String(micros - millis * 1000).padStart(3, '0');
  return `${new Date(millis).toISOString().slice(0, -1)}${rest}Z`;
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
