/** Draws the chart of a server under growing load, and writes its section of the report. */
import { style } from './chart.ts';
import { round } from './report.ts';
import type { Curve, CurvePoint } from './result.ts';

export const curveHeading = '## Overload';
const width = 900;
const [left, right] = [80, 640]; // of both plots
const plots = { rates: [70, 290], time: [350, 470] } as const;

export function writeCurve({ points: curve, work }: Curve): string {
  const max = Math.max(1, ...curve.map(({ accepted }) => accepted));
  const highest = Math.max(...curve.map(({ accepted, rejected }) => Math.max(accepted, rejected)), max);
  const slowest = Math.max(1, ...curve.flatMap(({ p99, health }) => [p99, health]));
  const furthest = Math.max(1, ...curve.map(({ load }) => load));
  const x = (load: number) => left + (load / furthest) * (right - left);
  const scale = ([top, bottom]: readonly [number, number], greatest: number) => {
    return (figure: number) => bottom - (figure / greatest) * (bottom - top);
  };
  const y = scale(plots.rates, highest);
  const time = scale(plots.time, slowest);
  const line = (name: string, of: (point: CurvePoint) => number, label: string) => {
    const points = curve.map((point) => [x(point.load).toFixed(1), of(point).toFixed(1)] as const);
    const [endX = '0', endY = '0'] = points.at(-1) ?? [];
    return [
      `<polyline class="${name} curve" points="${points.map((point) => point.join(',')).join(' ')}"/>`,
      ...points.map(([atX, atY]) => `<circle class="${name}" cx="${atX}" cy="${atY}" r="4"/>`),
      `<text x="${Number(endX) + 14}" y="${Number(endY) + 4}">${label}</text>`,
    ].join('\n');
  };
  const axes = [
    ...[0, 0.5, 1].flatMap((part) => [
      across(y(part * highest), Math.round(part * highest).toLocaleString('en')),
      across(time(part * slowest), `${Math.round(part * slowest)} ms`),
    ]),
    ...curve.map(({ load }) => mark(x(load), `× ${load}`)),
  ];
  const goal = y(0.9 * max).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 510" width="${width}" height="510" role="img">
<title>Accepted and rejected requests as the load grows beyond the capacity</title>
<style>${style}
  .curve { fill: none; stroke-width: 2 }
  .dashed { stroke-dasharray: 4 4; stroke-width: 1 }
</style>
<text x="0" y="20" font-weight="600">Responses per second as the load grows beyond the capacity: ${work}</text>
<text class="muted" x="0" y="40">The load does not wait for responses. Dashed: 90 % of the maximum.</text>
${axes.join('\n')}
<line class="goal dashed" x1="${left}" x2="${right}" y1="${goal}" y2="${goal}"/>
${line('reached', ({ accepted }) => y(accepted), 'accepted')}
${line('figure', ({ rejected }) => y(rejected), '503, Retry-After')}
<text x="0" y="332" font-weight="600">Time</text>
${line('reached', ({ p99 }) => time(p99), 'accepted, p99')}
${line('figure', ({ health }) => time(health), 'health, max')}
</svg>
`;
}

function across(at: number, label: string): string {
  const y = at.toFixed(1);
  return (
    `<line class="line" x1="${left}" x2="${right}" y1="${y}" y2="${y}"/>` +
    `<text class="muted" x="${left - 8}" y="${(at + 4).toFixed(1)}" text-anchor="end">${label}</text>`
  );
}

function mark(at: number, label: string): string {
  return Object.values(plots)
    .map(
      ([, bottom]) =>
        `<text class="muted" x="${at.toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${label}</text>`,
    )
    .join('');
}

/** Writes the section of a report. */
export function writeCurveSection(
  { points: curve, work }: Curve,
  circumstances: { readonly date: string; readonly machine: string },
): string {
  const { date, machine } = circumstances;
  const total = (of: (point: CurvePoint) => number) =>
    curve.reduce((sum, point) => sum + of(point), 0).toLocaleString('en');
  const rows = curve.map((point) => {
    const { load, offered, accepted, rejected, ofCapacity, p50, p99, rejectedP99, health, warnings } = point;
    const cells = [
      `× ${load}`,
      ...[offered, accepted, rejected].map((figure) => Math.round(figure).toLocaleString('en')),
      round(ofCapacity),
      ...[p50, p99, rejectedP99, health].map(round),
      warnings.length === 0 ? '' : 'doubtful',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const doubts = curve.flatMap(({ load, warnings }) => warnings.map((warning) => `- × ${load}: ${warning}`));
  return `${curveHeading}

${date}, ${machine}; ${work}. The capacity (× 1) is the rate of 50 connections that
each send a request after the previous response. Then requests arrive at a fixed mean rate (Poisson) over 1,500
connections, without waiting for responses. The time of a request counts from when it was due. Times are medians of the
rounds in ms; health, requested every 100 ms, is the maximum. In total, ${total(({ responses }) => responses.accepted)} responses were 200, ${total(({ responses }) => responses.rejected)} were 503 with
Retry-After, ${total(({ responses }) => responses.others)} were others, and health was 200 in all ${total(({ responses }) => responses.health)} requests.

| load | offered per second | 200 | 503 | 200, relative to × 1 | p50 | p99 | p99 of 503 | health | |
|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
${doubts.length === 0 ? '' : `\n${doubts.join('\n')}\n`}`;
}

/** Replaces the section in a report, or adds it before the section about the peers. */
export function replaceSection(report: string, section: string): string {
  const begin = report.indexOf(`${curveHeading}\n`);
  if (begin < 0) {
    const others = report.indexOf('\n## The peers\n');
    const at = others < 0 ? report.length : others + 1;
    return `${report.slice(0, at)}${section}\n${report.slice(at)}`;
  }
  const next = report.indexOf('\n## ', begin);
  return `${report.slice(0, begin)}${section}${next < 0 ? '' : report.slice(next)}`;
}
