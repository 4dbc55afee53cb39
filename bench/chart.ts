/** Draws the comparison with other frameworks as SVG: the ratios on a logarithmic scale. */
import { round, writeGoal } from './report.ts';
import type { Result } from './result.ts';
import { judge, spread } from './statistics.ts';

const width = 900;
const rowHeight = 44;
const [left, right] = [430, 670]; // of the plot
const top = 64;

/** The colours for a light and a dark background. */
export const style = `
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .muted { font-size: 12px; fill: #59636e }
  .line { stroke: #d1d9e0 }
  .same { stroke: #818b98 }
  .reached { stroke: #1a7f37; fill: #1a7f37 }
  .missed { stroke: #d1242f; fill: #d1242f }
  .undecided, .figure { stroke: #818b98; fill: #818b98 }
  .goal { stroke: #1f2328; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .muted { fill: #9198a1 }
    .line { stroke: #3d444d }
    .same { stroke: #9198a1 }
    .reached { stroke: #3fb950; fill: #3fb950 }
    .missed { stroke: #f85149; fill: #f85149 }
    .undecided, .figure { stroke: #9198a1; fill: #9198a1 }
    .goal { stroke: #f0f6fc }
  }`;

export function writeChart(results: readonly Result[]): string {
  const shown = results.filter(({ isRivalry, values }) => isRivalry === true && values.length > 0);
  const figures = shown
    .flatMap(({ values, goal }) => [spread(values).low, spread(values).high, ...Object.values(goal ?? {})])
    .filter((figure) => figure > 0);
  const lowest = Math.floor(Math.log10(Math.min(0.5, ...figures)));
  const highest = Math.ceil(Math.log10(Math.max(2, ...figures)));
  const x = (figure: number) =>
    left + ((Math.max(lowest, Math.log10(figure)) - lowest) / (highest - lowest)) * (right - left);
  const bottom = top + shown.length * rowHeight;
  const height = bottom + 32;

  const axis = Array.from({ length: highest - lowest + 1 }, (_, index) => {
    const figure = 10 ** (lowest + index);
    const at = x(figure).toFixed(1);
    const label = figure === 1 ? '× 1' : `× ${figure}`;
    return (
      `<line class="${figure === 1 ? 'same' : 'line'}" x1="${at}" x2="${at}" y1="${top - 8}" y2="${bottom}"/>` +
      `<text class="muted" x="${at}" y="${bottom + 18}" text-anchor="middle">${label}</text>`
    );
  });
  const rows = shown.map((result, index) => writeRow(result, top + index * rowHeight, x));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Responses per second of the product, relative to other frameworks</title>
<style>${style}
</style>
<text x="0" y="20" font-weight="600">Responses per second, relative to other frameworks</text>
<text class="muted" x="0" y="40">Dot: median of the pairs. Bar: quartiles. Vertical line: the goal.</text>
${axis.join('\n')}
${rows.join('\n')}
</svg>
`;
}

function writeRow(
  { work, against, values, goal, unit, warnings = [] }: Result,
  y: number,
  x: (figure: number) => number,
): string {
  const figures = spread(values);
  const { median, low, high } = figures;
  const verdict = goal === undefined ? 'figure' : judge(figures, goal);
  const middle = y + 14;
  const at = (figure: number) => x(figure).toFixed(1);
  const notes = [
    ...(goal === undefined ? [] : [`goal ${writeGoal(goal, unit)}: ${verdict}`]),
    ...(warnings.length === 0 ? [] : ['doubtful']),
  ].join(', ');
  return [
    `<text x="0" y="${y + 12}">${inXml(work)}</text>`,
    `<text class="muted" x="0" y="${y + 28}">against ${inXml(against)}</text>`,
    `<line class="${verdict}" x1="${at(1)}" x2="${at(median)}" y1="${middle}" y2="${middle}"/>`,
    `<line class="${verdict}" x1="${at(low)}" x2="${at(high)}" y1="${middle}" y2="${middle}" stroke-width="6" opacity="0.5"/>`,
    `<circle class="${verdict}" cx="${at(median)}" cy="${middle}" r="5"/>`,
    ...Object.values(goal ?? {}).map(
      (figure) =>
        `<line class="goal" x1="${at(figure)}" x2="${at(figure)}" y1="${middle - 10}" y2="${middle + 10}"/>`,
    ),
    `<text x="${right + 24}" y="${y + 12}" font-weight="600">× ${round(median)}</text>`,
    `<text class="muted" x="${right + 24}" y="${y + 28}">${inXml(notes)}</text>`,
  ].join('\n');
}

function inXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
