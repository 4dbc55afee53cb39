/** What becomes of a server as the load grows past what it can take: a picture, and its section of the report. */
import { style } from './chart.ts';
import { round } from './report.ts';
import type { Curve, CurvePoint } from './result.ts';

export const curveHeading = '## More than it can take';
const width = 900;
const [left, right] = [80, 640]; // of both plots
const plots = { answers: [70, 290], time: [350, 470] } as const;

export function writeCurve({ points: curve, work }: Curve): string {
  const most = Math.max(1, ...curve.map(({ accepted }) => accepted));
  const highest = Math.max(...curve.map(({ accepted, shed }) => Math.max(accepted, shed)), most);
  const slowest = Math.max(1, ...curve.flatMap(({ p99, health }) => [p99, health]));
  const furthest = Math.max(1, ...curve.map(({ load }) => load));
  const x = (load: number) => left + (load / furthest) * (right - left);
  const scale = ([top, bottom]: readonly [number, number], greatest: number) => {
    return (figure: number) => bottom - (figure / greatest) * (bottom - top);
  };
  const y = scale(plots.answers, highest);
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
  const goal = y(0.9 * most).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 510" width="${width}" height="510" role="img">
<title>What it answers, and what it sheds, as the load grows past what it can take</title>
<style>${style}
  .curve { fill: none; stroke-width: 2 }
  .dashed { stroke-dasharray: 4 4; stroke-width: 1 }
</style>
<text x="0" y="20" font-weight="600">Answers a second, as the load grows past what it can take: ${work}</text>
<text class="muted" x="0" y="40">The load comes at its own rate, whatever is answered. Dashed: 90 % of the most that it does.</text>
${axes.join('\n')}
<line class="goal dashed" x1="${left}" x2="${right}" y1="${goal}" y2="${goal}"/>
${line('reached', ({ accepted }) => y(accepted), 'accepted')}
${line('figure', ({ shed }) => y(shed), '503, Retry-After')}
<text x="0" y="332" font-weight="600">Time</text>
${line('reached', ({ p99 }) => time(p99), 'accepted, p99')}
${line('figure', ({ health }) => time(health), 'health, the slowest')}
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

/** The section of a report. */
export function writeCurveSection(
  { points: curve, work }: Curve,
  circumstances: { readonly date: string; readonly machine: string },
): string {
  const { date, machine } = circumstances;
  const total = (of: (point: CurvePoint) => number) =>
    curve.reduce((sum, point) => sum + of(point), 0).toLocaleString('en');
  const rows = curve.map((point) => {
    const { load, offered, accepted, shed, ofCapacity, p50, p99, shedP99, health, warnings } = point;
    const cells = [
      `× ${load}`,
      ...[offered, accepted, shed].map((figure) => Math.round(figure).toLocaleString('en')),
      round(ofCapacity),
      ...[p50, p99, shedP99, health].map(round),
      warnings.length === 0 ? '' : 'doubtful',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const doubts = curve.flatMap(({ load, warnings }) => warnings.map((warning) => `- × ${load}: ${warning}`));
  return `${curveHeading}

${date}, ${machine}; ${work}. First 50 connections ask as fast as they are answered: what the
product does then is × 1. Then requests come at a rate of their own, by chance, however it answers (Poisson), over 1,500
connections; the time of each counts from when it was due. Medians of the rounds, in ms; of health, asked for every
100 ms, the slowest of all. In all ${total(({ answers }) => answers.accepted)} answers were 200, ${total(({ answers }) => answers.shed)} were 503 with Retry-After, ${total(({ answers }) => answers.others)} anything
else, and health was 200 each of ${total(({ answers }) => answers.health)} times.

| load | came a second | 200 | 503 | 200, of × 1 | p50 | p99 | p99 of 503 | health | |
|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
${doubts.length === 0 ? '' : `\n${doubts.join('\n')}\n`}`;
}

/** The report with its section of that heading replaced, or added before the next one. */
export function replaceSection(report: string, section: string): string {
  const begin = report.indexOf(`${curveHeading}\n`);
  if (begin < 0) {
    const others = report.indexOf('\n## The others\n');
    const at = others < 0 ? report.length : others + 1;
    return `${report.slice(0, at)}${section}\n${report.slice(at)}`;
  }
  const next = report.indexOf('\n## ', begin);
  return `${report.slice(0, begin)}${section}${next < 0 ? '' : report.slice(next)}`;
}
