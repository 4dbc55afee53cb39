/**
 * Renames the words of a service in the text of its files. A name is a sequence of words, which each form writes
 * differently: `pet-visit`, `pet_visit`, `petVisit`, `PetVisit`, `pet visit`. Only complete words are renamed: `cat` is
 * not a word of `category`.
 */
import ts from 'typescript';
import { capitalize, type Names, toCamelCase, toPascalCase } from './names.ts';

type Style = 'kebab' | 'snake' | 'camel' | 'pascal' | 'upper' | 'words' | 'sentence';

/** The kind of the text. It decides the form of a new name with several words if the old name has only one word. */
type Place = 'identifier' | 'string' | 'text';

const styles: Readonly<Record<Style, (name: string) => string>> = {
  kebab: (name) => name,
  snake: (name) => name.replaceAll('-', '_'),
  camel: toCamelCase,
  pascal: toPascalCase,
  upper: (name) => name.replaceAll('-', '_').toUpperCase(),
  words: (name) => name.replaceAll('-', ' '),
  sentence: (name) => capitalize(name.replaceAll('-', ' ')),
};

export interface Renaming {
  readonly from: Names;
  readonly to: Names;
  /** Names of other services, in which no word is renamed. */
  readonly others: readonly string[];
  /** Words that stay: the columns of the tables, because the database has them. */
  readonly kept: ReadonlySet<string>;
}

/** Renames the words in a text. */
export function renameWords(text: string, renaming: Renaming, place: Place = 'string'): string {
  const { from, to, others, kept } = renaming;
  const names: [string, string][] = [
    ...others.filter((name) => name !== from.name).map((name): [string, string] => [name, name]),
    [from.resource, to.resource],
    [from.name, to.name],
  ];
  const forms = new Map<string, [styles: Style[], name: string]>();
  for (const [old, name] of names)
    for (const style of Object.keys(styles) as Style[]) {
      const form = styles[style](old);
      const known = forms.get(form);
      if (known === undefined) forms.set(form, [[style], name]);
      else if (known[1] === name) known[0].push(style);
    }
  const longestFirst = [...forms.keys()].sort((one, other) => other.length - one.length);
  // A word in lower case does not follow a letter; a capitalized word may. No lower-case letter follows either of them.
  const any = longestFirst
    .map((form) => (/^[a-z]/.test(form) ? `(?<![A-Za-z0-9])${form}` : `(?<![A-Z])${form}`))
    .join('|');
  const pattern = new RegExp(`(\\b[Aa]n? )?(${any})(?![a-z0-9])`, 'g');
  return text.replace(pattern, (match, article: string | undefined, form: string, at: number) => {
    const start = at + (article?.length ?? 0);
    if (kept.has(wordAt(text, start, start + form.length))) return match;
    const [candidates, name] = forms.get(form) as [Style[], string];
    const style = chooseStyle(candidates, { text, start, end: start + form.length, place });
    const renamed = styles[style](name);
    if (article === undefined || name !== to.name) return `${article ?? ''}${renamed}`;
    return `${article[0]}${/^[aeiou]/i.test(renamed) ? 'n' : ''} ${renamed}`;
  });
}

/** Returns the complete identifier around a range. */
function wordAt(text: string, start: number, end: number): string {
  const before = /[\w$]*$/.exec(text.slice(0, start))?.[0] ?? '';
  return `${before}${text.slice(start, end)}${/^[\w$]*/.exec(text.slice(end))?.[0] ?? ''}`;
}

interface Found {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly place: Place;
}

/** Chooses among the forms that look the same, such as `toy`. */
function chooseStyle(candidates: readonly Style[], { text, start, end, place }: Found): Style {
  if (candidates.length === 1) return candidates[0] as Style;
  const [before, after] = [text[start - 1] ?? '', text[end] ?? ''];
  const rank = (): Style[] => {
    if (before === '_' || after === '_') return ['snake', 'upper'];
    if (place === 'identifier' || /[A-Z]/.test(after) || /[a-z0-9]/.test(before)) return ['camel', 'pascal'];
    if (start === 0 && end === text.length) return ['kebab', 'pascal'];
    if (/[-/.:'"`]/.test(before) || /[-/:]/.test(after) || /^\.\w/.test(text.slice(end)))
      return ['kebab', 'pascal'];
    return ['words', 'sentence'];
  };
  return [...rank(), ...candidates].find((style) => candidates.includes(style)) as Style;
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly kind: 'identifier' | 'string' | 'sql';
}

/** Lists the identifiers and strings of a source file. The text of an SQL template names tables of the database. */
function listParts(file: string, text: string): Part[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const parts: Part[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isIdentifier(node)) parts.push({ start: node.getStart(), end: node.end, kind: 'identifier' });
    const isTemplate =
      ts.isNoSubstitutionTemplateLiteral(node) ||
      node.kind === ts.SyntaxKind.TemplateHead ||
      node.kind === ts.SyntaxKind.TemplateMiddle ||
      node.kind === ts.SyntaxKind.TemplateTail;
    if (isTemplate || ts.isStringLiteral(node)) {
      const isSql = isTemplate && isInSql(node);
      // Without the quotes, and without `${` or `}`.
      const tail = text.slice(node.getStart(), node.end).endsWith('${') ? 2 : 1;
      parts.push({ start: node.getStart() + 1, end: node.end - tail, kind: isSql ? 'sql' : 'string' });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return parts.sort((one, other) => one.start - other.start);
}

function isInSql(node: ts.Node): boolean {
  let around = node.parent;
  while (ts.isTemplateSpan(around) || ts.isTemplateExpression(around)) around = around.parent;
  return ts.isTaggedTemplateExpression(around) && around.tag.getText() === 'sql';
}

/**
 * Renames the words of a service in one of its source files. It keeps names in the database: the strings of `tables.ts`,
 * except in imports, and the text of SQL templates.
 */
export function renameSource(file: string, text: string, renaming: Renaming): string {
  return renameParts(file, joinLongObjects(file, text), renaming);
}

/** Returns the first line that has the new name already; 0 if there is none. */
export function findNewName(file: string, text: string, renaming: Renaming): number {
  const { from, to } = renaming;
  const before = text.split('\n');
  const changed = renameParts(file, text, { ...renaming, from: to, to: from }).split('\n');
  return changed.findIndex((line, index) => line !== before[index]) + 1;
}

function renameParts(file: string, text: string, renaming: Renaming): string {
  const isTables = file.endsWith('/tables.ts');
  let result = '';
  let at = 0;
  for (const { start, end, kind } of listParts(file, text)) {
    const part = text.slice(start, end);
    const isKept = kind === 'sql' || (isTables && kind === 'string' && !part.startsWith('.'));
    result += renameWords(text.slice(at, start), renaming, 'text');
    result += isKept ? part : renameWords(part, renaming, kind === 'identifier' ? 'identifier' : 'string');
    at = end;
  }
  return result + renameWords(text.slice(at), renaming, 'text');
}

/** The `lineWidth` of biome.json. */
const lineWidth = 110;

/**
 * Joins the first line of an object with the next line if the object is too long for one line, because the formatter then
 * broke it. The formatter never joins the lines of an object again, even if a shorter name lets them fit.
 */
function joinLongObjects(file: string, text: string): string {
  const breaks: [start: number, end: number][] = [];
  const visit = (node: ts.Node) => {
    // A constant of the file has its members on separate lines by intent.
    if (ts.isObjectLiteralExpression(node) && !ts.isVariableDeclaration(node.parent)) {
      const start = node.getStart();
      const space = /^\{(\s*\n\s*)(?!\/)/.exec(text.slice(start, node.end))?.[1];
      const oneLine = node.getText().replace(/\s+/g, ' ').replace(/, \}/g, ' }');
      const before = start - (text.lastIndexOf('\n', start) + 1);
      const after = text.slice(node.end).indexOf('\n');
      if (space !== undefined && before + oneLine.length + after > lineWidth)
        breaks.push([start + 1, start + 1 + space.length]);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return breaks
    .sort(([one], [other]) => other - one)
    .reduce((result, [start, end]) => `${result.slice(0, start)} ${result.slice(end)}`, text);
}

/** Lists the columns that a `tables.ts` names: the members of its tables. */
export function listColumns(text: string): Set<string> {
  const columns = new Set<string>();
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'sqliteTable') {
      const members = node.arguments[1];
      if (members !== undefined && ts.isObjectLiteralExpression(members))
        for (const member of members.properties) columns.add(member.name?.getText() ?? '');
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('tables.ts', text, ts.ScriptTarget.Latest, true));
  return columns;
}
