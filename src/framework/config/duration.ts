const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The pattern of a duration in the config or in the options of a service: an integer and a unit, for example `7d`. */
export const durationPattern = '^[1-9][0-9]{0,5}[smhd]$';

/** Returns the ms of a duration that matches `durationPattern`. */
export function parseDuration(duration: string): number {
  return Number(duration.slice(0, -1)) * (units[duration.slice(-1)] as number);
}
