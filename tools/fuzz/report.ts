import type { Operation } from './document.ts';
import type { Accepted, Report } from './fuzz.ts';

/** Of what fits and names what there is, each operation must take so much. */
const leastAccepted = 0.9;

/** What makes a run fail, in words; empty where nothing does. */
export function listFailures({ finding, missing, fitting }: Report): string[] {
  if (finding !== undefined) {
    const { what, operation, aim, curl } = finding;
    return [[`${operation}: ${what} (${aim})`, ...curl].join('\n  ')];
  }
  const refusing = [...fitting].filter(([, { sent, accepted }]) => accepted < leastAccepted * sent);
  return [
    ...missing.map((one) => `never reached: ${one}`),
    ...refusing.map(([key, one]) => `${key}: only ${describeAccepted(one)}`),
  ];
}

/** How often each operation answered with what. */
export function describeReached({ reached }: Report): string {
  const width = Math.max(...[...reached.keys()].map((key) => key.length));
  return [...reached]
    .map(([key, counts]) => {
      const sorted = [...counts].sort(([one], [other]) => Number(one) - Number(other));
      return `${key.padEnd(width)}  ${sorted.map(([status, count]) => `${status} × ${count}`).join(', ')}`;
    })
    .join('\n');
}

/** How much was taken of what fits, of all operations together. */
export function describeFitting({ fitting }: Report): string {
  const all = [...fitting.values()];
  return describeAccepted({
    sent: all.reduce((sum, { sent }) => sum + sent, 0),
    accepted: all.reduce((sum, { accepted }) => sum + accepted, 0),
  });
}

function describeAccepted({ sent, accepted }: Accepted): string {
  const share = sent === 0 ? 0 : (100 * accepted) / sent;
  return `${accepted} of ${sent} requests that fit were taken (${share.toFixed(1)} %)`;
}

/**
 * Each operation must have come to a 2xx and to every 4xx that is documented by itself, but for 429: that is about how
 * much was asked before, not about what is asked.
 */
export function listMissing(operations: readonly Operation[], reached: Report['reached']): string[] {
  return operations.flatMap(({ key, responses }) => {
    const came = [...(reached.get(key)?.keys() ?? [])];
    const refusals = [...responses.keys()].filter((status) => /^4\d\d$/.test(status) && status !== '429');
    const missing = refusals.filter((status) => !came.includes(status));
    if (!came.some((status) => status.startsWith('2'))) missing.unshift('2xx');
    return missing.map((status) => `${key} ${status}`);
  });
}
