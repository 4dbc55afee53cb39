import type { Operation } from './document.ts';
import type { Report } from './fuzz.ts';
import type { Accepted } from './session.ts';

/** Statuses that no run reaches. */
const untested: ReadonlySet<string> = new Set(['401', '403', '429']);
/** The share of valid requests to existing things that each operation must accept. */
const minAccepted = 0.9;

/** Describes the failures of a run. */
export function listFailures({ finding, missing, valid }: Report): string[] {
  if (finding !== undefined) {
    const { description, operation, aim, curl } = finding;
    return [[`${operation}: ${description} (${aim})`, ...curl].join('\n  ')];
  }
  const rejecting = [...valid].filter(([, { sent, accepted }]) => accepted < minAccepted * sent);
  return [
    ...missing.map((one) => `never reached: ${one}`),
    ...rejecting.map(([key, one]) => `${key}: only ${describeAccepted(one)}`),
  ];
}

/** Lists the number of responses by operation and status. */
export function describeReached({ reached }: Report): string {
  const width = Math.max(...[...reached.keys()].map((key) => key.length));
  return [...reached]
    .map(([key, counts]) => {
      const sorted = [...counts].sort(([one], [other]) => Number(one) - Number(other));
      return `${key.padEnd(width)}  ${sorted.map(([status, count]) => `${status} × ${count}`).join(', ')}`;
    })
    .join('\n');
}

/** Describes how many valid requests all operations accepted. */
export function describeValid({ valid }: Report): string {
  const all = [...valid.values()];
  return describeAccepted({
    sent: all.reduce((sum, { sent }) => sum + sent, 0),
    accepted: all.reduce((sum, { accepted }) => sum + accepted, 0),
  });
}

function describeAccepted({ sent, accepted }: Accepted): string {
  const share = sent === 0 ? 0 : (100 * accepted) / sent;
  return `${accepted} of ${sent} valid requests were accepted (${share.toFixed(1)} %)`;
}

/**
 * Lists the responses that never came. Each operation must reach 2xx and every documented 4xx, except 429, which depends
 * on the number of earlier requests, and 401 and 403, because the fuzzed server has no `auth`.
 */
export function listMissing(operations: readonly Operation[], reached: Report['reached']): string[] {
  return operations.flatMap(({ key, responses }) => {
    const came = [...(reached.get(key)?.keys() ?? [])];
    const rejections = [...responses.keys()].filter(
      (status) => /^4\d\d$/.test(status) && !untested.has(status),
    );
    const missing = rejections.filter((status) => !came.includes(status));
    if (!came.some((status) => status.startsWith('2'))) missing.unshift('2xx');
    return missing.map((status) => `${key} ${status}`);
  });
}
