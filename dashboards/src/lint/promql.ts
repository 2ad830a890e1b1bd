// PromQL as a tree, by the grammar of Prometheus' own editor.
import { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** A node of the grammar, with the text it stands for. */
export interface Node {
  kind: string;
  text: string;
  children: Node[];
}

// Grafana puts durations in place of these; so does the parser, with ones that
// nobody writes.
const STAND_INS: ReadonlyArray<readonly [string, string]> = [
  ['$__rate_interval', '11111ms'],
  ['$__range', '22222ms'],
  ['$__interval', '33333ms'],
];

function plain(node: SyntaxNode, text: string): Node {
  const children: Node[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    children.push(plain(child, text));
  }
  const kind = node.type.isError ? 'Error' : node.type.name;
  return { kind, text: text.slice(node.from, node.to), children };
}

/** The tree of an expression; where it is no PromQL it has nodes `Error`. */
export function parse(expression: string): Node {
  let text = expression;
  for (const [variable, duration] of STAND_INS) {
    text = text.replaceAll(variable, duration);
  }
  return plain(parser.parse(text).topNode, text);
}

/** The nodes of a kind, the outer before the inner. */
export function nodesOf(root: Node, kind: string): Node[] {
  const inner = root.children.flatMap((child) => nodesOf(child, kind));
  return root.kind === kind ? [root, ...inner] : inner;
}

export function child(node: Node, kind: string): Node | undefined {
  return node.children.find((candidate) => candidate.kind === kind);
}

export interface Matcher {
  label: string;
  op: string;
  value: string;
}

export interface Selector {
  metric: string;
  matchers: Matcher[];
  /** The time in brackets behind it, as it was written; '' when none is. */
  window: string;
  /** The function that it is the argument of, '' when it is of none. */
  calledBy: string;
}

function window(matrix: Node): string {
  const text = /\[(.*)\]$/s.exec(matrix.text)?.[1] ?? '';
  return STAND_INS.find(([, duration]) => duration === text)?.[0] ?? text;
}

function matchers(selector: Node): Matcher[] {
  return nodesOf(selector, 'UnquotedLabelMatcher').map((matcher) => ({
    label: child(matcher, 'LabelName')?.text ?? '',
    op: child(matcher, 'MatchOp')?.text ?? '',
    value: (child(matcher, 'StringLiteral')?.text ?? '').slice(1, -1),
  }));
}

/** The name of a call's function. */
export function functionName(call: Node): string {
  return child(call, 'FunctionIdentifier')?.text ?? '';
}

/** Every selector of an expression, with what stands around it. */
export function selectors(root: Node): Selector[] {
  const found: Selector[] = [];
  const visit = (node: Node, inside: string, calledBy: string): void => {
    if (node.kind === 'VectorSelector') {
      const metric = child(node, 'Identifier')?.text ?? '';
      found.push({
        metric,
        matchers: matchers(node),
        window: inside,
        calledBy,
      });
      return;
    }
    let nextWindow = '';
    let nextCall = '';
    if (node.kind === 'MatrixSelector') {
      nextWindow = window(node);
      nextCall = calledBy;
    } else if (node.kind === 'FunctionCall') {
      nextCall = functionName(node);
    } else if (node.kind === 'FunctionCallBody' || node.kind === 'OffsetExpr') {
      nextCall = calledBy;
    }
    for (const next of node.children) visit(next, nextWindow, nextCall);
  };
  visit(root, '', '');
  return found;
}
