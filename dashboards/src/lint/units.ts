// The unit of what a query gives, worked out from the names of its metrics.
import { Node, child, functionName, nodesOf } from './promql.js';

/** Powers of bytes and of seconds: bytes a second are 1 and -1. */
export interface Dimension {
  bytes: number;
  seconds: number;
  /** One thing by another of the same dimension: a number from 0 on. */
  ratio: boolean;
}

const NONE: Dimension = { bytes: 0, seconds: 0, ratio: false };

/** What a panel may have for a unit, by dimension. */
export function unitsOf(dimension: Dimension): string[] {
  const { bytes, seconds, ratio } = dimension;
  if (ratio) return ['percentunit'];
  switch (`${bytes},${seconds}`) {
    case '0,0':
      return ['short', 'percentunit'];
    case '1,0':
      return ['bytes'];
    case '0,1':
      return ['s'];
    case '0,-1':
      return ['ops', 'reqps'];
    case '1,-1':
      return ['Bps'];
    default:
      return [];
  }
}

function ofMetric(name: string): Dimension {
  if (name.endsWith('_ratio')) return { ...NONE, ratio: true };
  const base = name.replace(/_(total|bucket)$/, '');
  if (base.endsWith('_bytes')) return { ...NONE, bytes: 1 };
  if (base.endsWith('_seconds')) return { ...NONE, seconds: 1 };
  return NONE;
}

const PER_SECOND = new Set(['rate', 'irate', 'deriv']);

function ofCall(call: Node): Dimension {
  const body = child(call, 'FunctionCallBody');
  const args = body?.children ?? [];
  const name = functionName(call);
  if (name === 'histogram_quantile') {
    // What is counted in buckets has their unit; how often is only a weight.
    const [buckets] = nodesOf(call, 'VectorSelector');
    return buckets === undefined ? NONE : dimensionOf(buckets);
  }
  if (name === 'time') return { ...NONE, seconds: 1 };
  const [first] = args;
  const inner = first === undefined ? NONE : dimensionOf(first);
  return PER_SECOND.has(name)
    ? { ...inner, seconds: inner.seconds - 1, ratio: false }
    : inner;
}

function isNumber(node: Node): boolean {
  return node.kind === 'NumberDurationLiteral';
}

function ofBinary(node: Node): Dimension {
  const operands = node.children.filter(
    ({ kind }) => kind !== 'BoolModifier' && kind !== 'MatchingModifierClause',
  );
  const [left, operator, right] = [operands[0], operands[1], operands.at(-1)];
  if (left === undefined || operator === undefined || right === undefined) {
    return NONE;
  }
  if (child(node, 'BoolModifier') !== undefined) return NONE;
  const [a, b] = [dimensionOf(left), dimensionOf(right)];
  if (operator.kind === 'Mul') {
    return {
      bytes: a.bytes + b.bytes,
      seconds: a.seconds + b.seconds,
      ratio: a.ratio || b.ratio,
    };
  }
  if (operator.kind === 'Div') {
    const bytes = a.bytes - b.bytes;
    const seconds = a.seconds - b.seconds;
    const ratio = bytes === 0 && seconds === 0 && !isNumber(right);
    return { bytes, seconds, ratio };
  }
  // Sums, comparisons and sets keep what they have; a number takes the unit of
  // the other side.
  return isNumber(left) ? b : a;
}

/** The dimension of an expression's values. */
export function dimensionOf(node: Node): Dimension {
  switch (node.kind) {
    case 'VectorSelector':
      return ofMetric(child(node, 'Identifier')?.text ?? '');
    case 'FunctionCall':
      return ofCall(node);
    case 'BinaryExpr':
      return ofBinary(node);
    case 'AggregateExpr': {
      const operation = child(node, 'AggregateOp')?.text;
      const inner = child(node, 'FunctionCallBody')?.children.at(-1);
      if (operation === 'count' || inner === undefined) return NONE;
      return dimensionOf(inner);
    }
    default: {
      const inner = node.children.find(({ kind }) => kind !== 'LineComment');
      return inner === undefined ? NONE : dimensionOf(inner);
    }
  }
}
