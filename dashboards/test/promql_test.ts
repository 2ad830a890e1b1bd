import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodesOf, parse, selectors } from '../src/lint/promql.js';
import { dimensionOf, unitsOf } from '../src/lint/units.js';

function unit(expression: string): string[] {
  const tree = parse(expression);
  assert.deepEqual(nodesOf(tree, 'Error'), [], expression);
  return unitsOf(dimensionOf(tree));
}

test('a selector says what it is limited by, and what calls it', () => {
  assert.deepEqual(
    selectors(parse('sum(rate(a_total{b="c",d!~"e"}[$__rate_interval])) / f')),
    [
      {
        metric: 'a_total',
        matchers: [
          { label: 'b', op: '=', value: 'c' },
          { label: 'd', op: '!~', value: 'e' },
        ],
        window: '$__rate_interval',
        calledBy: 'rate',
      },
      { metric: 'f', matchers: [], window: '', calledBy: '' },
    ],
  );
});

test('a window is what was written', () => {
  const windows = (text: string): string[] =>
    selectors(parse(text)).map(({ window }) => window);
  assert.deepEqual(windows('increase(a_total[$__range])'), ['$__range']);
  assert.deepEqual(windows('rate(a_total[5m] offset 1h)'), ['5m']);
});

test('a rate with an offset is a rate', () => {
  const [selector] = selectors(parse('rate(a_total[5m] offset 1h)'));
  assert.equal(selector?.calledBy, 'rate');
});

test('units follow from the names of metrics', () => {
  assert.deepEqual(unit('a_bytes'), ['bytes']);
  assert.deepEqual(unit('sum by (b) (a_bytes) - c_bytes'), ['bytes']);
  assert.deepEqual(unit('a_seconds > 3'), ['s']);
  assert.deepEqual(unit('time() - a_seconds'), ['s']);
  assert.deepEqual(unit('a_ratio'), ['percentunit']);
  assert.deepEqual(unit('count(a_bytes)'), ['short', 'percentunit']);
});

test('rates are by the second', () => {
  assert.deepEqual(unit('rate(a_bytes_total[5m])'), ['Bps']);
  assert.deepEqual(unit('sum(rate(a_total[5m]))'), ['ops', 'reqps']);
  assert.deepEqual(unit('rate(a_seconds_total[5m])'), ['short', 'percentunit']);
  assert.deepEqual(unit('increase(a_bytes_total[1h])'), ['bytes']);
});

test('what is divided by its like is a ratio', () => {
  assert.deepEqual(unit('a_bytes / (b_bytes > 0)'), ['percentunit']);
  assert.deepEqual(unit('1 - sum(a_bytes) / sum(b_bytes)'), ['percentunit']);
  assert.deepEqual(unit('a_bytes / 2'), ['bytes']);
});

test('a backlog by how fast it drains is a time', () => {
  const drain =
    'clamp_max(a_bytes * (a_bytes > bool 1) / ' +
    'clamp_min(rate(b_bytes_total[5m]) - rate(c_bytes_total[5m]), 1), 5)';
  assert.deepEqual(unit(drain), ['s']);
});

test('a quantile has the unit of its buckets', () => {
  const rate = 'sum by (le) (rate(a_seconds_bucket[5m]))';
  assert.deepEqual(unit(`histogram_quantile(0.9, ${rate})`), ['s']);
  const increase = 'sum by (le) (increase(a_bytes_bucket[5m]))';
  assert.deepEqual(unit(`histogram_quantile(0.9, ${increase}) >= 0`), [
    'bytes',
  ]);
});
