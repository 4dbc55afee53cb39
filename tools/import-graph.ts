import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { ICruiseResult } from 'dependency-cruiser';

/**
 * Draws the imports between the rooms of `src/framework` as Mermaid in docs/architecture.md. With `--check` it writes
 * nothing, and exits with 1 if the drawing is out of date. `./run.sh check` runs it with `--check`.
 */
const file = new URL('../docs/architecture.md', import.meta.url);
const [begin, end] = ['<!-- graph:begin -->', '<!-- graph:end -->'];

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns the room of a path: `http` for `src/framework/http/server.ts`. The graph has no services: they are the product's. */
function roomOf(path: string): string | undefined {
  return /^src\/framework\/([\w-]+)(?:\/|\.ts$)/.exec(path)?.[1];
}

function readGraph(): Graph {
  const args = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src/framework'];
  const printed = execFileSync('node_modules/.bin/depcruise', args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const graph = new Map<string, Set<string>>();
  for (const { source, dependencies } of (JSON.parse(printed) as ICruiseResult).modules) {
    const room = roomOf(source);
    if (room === undefined) continue;
    const imported = graph.get(room) ?? new Set();
    for (const { resolved } of dependencies) imported.add(roomOf(resolved) ?? room);
    imported.delete(room);
    graph.set(room, imported);
  }
  return graph;
}

/** Returns whether a room imports another one through a third. */
function isIndirect(graph: Graph, from: string, to: string): boolean {
  const seen = new Set([from, to]);
  const waiting = [...(graph.get(from) ?? [])].filter((room) => room !== to);
  for (const room of waiting) {
    if (seen.has(room)) continue;
    seen.add(room);
    const next = graph.get(room) ?? new Set();
    if (next.has(to)) return true;
    waiting.push(...next);
  }
  return false;
}

function draw(graph: Graph): string {
  const rooms = [...graph.keys()].sort();
  const arrows = rooms.flatMap((from) =>
    [...(graph.get(from) ?? [])]
      .sort()
      .filter((to) => !isIndirect(graph, from, to))
      .map((to) => `  ${from} --> ${to}`),
  );
  const rows = rooms.map((room) => `| ${room} | ${[...(graph.get(room) ?? [])].sort().join(', ') || '–'} |`);
  return [
    '```mermaid',
    'flowchart TD',
    ...arrows,
    '```',
    '',
    'The drawing omits an arrow that follows from others. All imports:',
    '',
    '| room | imports |',
    '|---|---|',
    ...rows,
  ].join('\n');
}

const text = readFileSync(file, 'utf8');
const [before, rest] = text.split(begin) as [string, string?];
const after = rest?.split(end)[1];
if (after === undefined) throw new Error(`docs/architecture.md has no lines ${begin} and ${end}`);
const drawn = `${before}${begin}\n${draw(readGraph())}\n${end}${after}`;
if (process.argv.includes('--check')) {
  if (drawn !== text) {
    console.error('The import graph in docs/architecture.md is out of date: run node tools/import-graph.ts');
    process.exit(1);
  }
} else writeFileSync(file, drawn);
