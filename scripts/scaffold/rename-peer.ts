/** Renames a service where other services use it. Their own names and contracts stay. */
import ts from 'typescript';
import { type Renaming, renameWords } from './rename-words.ts';

export interface PeerRenaming extends Renaming {
  /** The operations of the renamed service, and what the client file of the peer exports. */
  readonly identifiers: ReadonlySet<string>;
}

/** Returns the identifiers that a file exports. */
export function listExports(text: string): string[] {
  return [...text.matchAll(/^export (?:const|function|type|interface|class) (\w+)/gm)].map(
    ([, name]) => name as string,
  );
}

/** Renames a peer in a file of another service, or of its tests. */
export function renamePeer(file: string, text: string, renaming: PeerRenaming): string {
  const { from, to, identifiers } = renaming;
  const isClient = file.endsWith(`/${from.name}-client.ts`);
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const edits: { start: number; end: number; text: string }[] = [];
  const replace = (start: number, end: number, renamed: string) => {
    if (text.slice(start, end) !== renamed) edits.push({ start, end, text: renamed });
  };
  const visit = (node: ts.Node) => {
    if (ts.isIdentifier(node) && identifiers.has(node.text))
      replace(node.getStart(), node.end, renameWords(node.text, renaming, 'identifier'));
    if (isPeers(node)) {
      const member = /^\w+$/.test(to.name) ? `.${to.name}` : `['${to.name}']`;
      if (memberOf(node) === from.name) replace(node.expression.end, node.end, member);
    } else if (isString(node) && isOfPeer(node, file, from.name)) {
      const [start, end] = [node.getStart() + 1, node.end - (ts.isTemplateHead(node) ? 2 : 1)];
      replace(start, end, renameWords(text.slice(start, end), renaming));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  let result = '';
  let at = 0;
  // Comments of the client file describe the peer.
  const between = (part: string) => (isClient ? renameComments(part, renaming) : part);
  for (const edit of edits.sort((one, other) => one.start - other.start)) {
    if (edit.start < at) continue;
    result += between(text.slice(at, edit.start)) + edit.text;
    at = edit.end;
  }
  return result + between(text.slice(at));
}

function renameComments(text: string, renaming: Renaming): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, (comment) => renameWords(comment, renaming, 'text'));
}

type Access = ts.PropertyAccessExpression | ts.ElementAccessExpression;

/** Whether a node is `peers.toy` or `peers['toy']`. */
function isPeers(node: ts.Node): node is Access {
  const isAccess = ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node);
  return isAccess && node.expression.getText().split('.').at(-1) === 'peers';
}

function memberOf(node: Access): string {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  return ts.isStringLiteral(node.argumentExpression) ? node.argumentExpression.text : '';
}

type Text = ts.StringLiteral | ts.NoSubstitutionTemplateLiteral | ts.TemplateHead;

function isString(node: ts.Node): node is Text {
  return ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node);
}

/** Whether a string names the peer, and not something of the service itself. */
function isOfPeer(node: Text, file: string, name: string): boolean {
  const { text, parent } = node;
  if (ts.isImportDeclaration(parent))
    return (
      text === `./${name}-client.ts` ||
      text.includes(`/services/${name}/`) ||
      text === `../${name}/requests.ts`
    );
  // An event or a schema: 'toy.deleted', 'toy.Toy'.
  if (new RegExp(`^${name}\\.\\w+$`).test(text)) return true;
  if (file.startsWith('test/') && (text.startsWith(`/${name}/`) || text === `/${name}`)) return true;
  if (text !== name) return false;
  if (ts.isLiteralTypeNode(parent)) return /^Peers?\b/.test(parent.parent.getText());
  const list = ts.isArrayLiteralExpression(parent) ? parent.parent : undefined;
  return list !== undefined && ts.isPropertyAssignment(list) && list.name.getText() === 'peers';
}
