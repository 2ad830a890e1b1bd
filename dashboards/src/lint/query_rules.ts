// Rules about queries: that they are PromQL, ask for the chosen instances
// alone, and give what the panel says.
import {
  Selector,
  child,
  nodesOf,
  parse,
  selectors,
} from './promql.js';
import { Rule, queryRule } from './rule.js';
import { dimensionOf, unitsOf } from './units.js';

const DATASOURCE_UID = '${datasource}';
const RATES = new Set(['rate', 'irate']);
const OF_COUNTERS = new Set(['rate', 'irate', 'increase', 'resets']);
const COUNTER = /_(total|bucket|count|sum)$/;
// What others export as well is not only of processes that have poolscope.
const OWN = /^(poolscope_|ALERTS$)/;
const BUILT_IN = new Set(['__rate_interval', '__range', '__interval']);

function hasMatcher(selector: Selector, label: string): boolean {
  return selector.matchers.some(
    (matcher) =>
      matcher.label === label &&
      matcher.op === '=~' &&
      matcher.value === `$${label}`,
  );
}

/** A rule that every selector of a query has to keep. */
function selectorRule(
  name: string,
  keeps: (selector: Selector) => boolean,
  what: string,
): Rule {
  return queryRule(name, ({ tree }) => {
    const wrong = selectors(tree).find((selector) => !keeps(selector));
    return wrong && `${wrong.metric} ${what}`;
  });
}

/** Rules of Grafana's dashboard-linter about queries. */
const LINTER_RULES: Rule[] = [
  // Of LogQL there is nothing: a query that is not for Prometheus is wrong.
  queryRule('target-logql-rule', ({ target }) =>
    target.datasource?.type === 'prometheus'
      ? undefined
      : `is for '${target.datasource?.type}'`,
  ),
  queryRule('target-logql-auto-rule', ({ target }) =>
    target.expr?.includes('$__auto') ? 'has $__auto, of LogQL' : undefined,
  ),
  queryRule('target-promql-rule', ({ tree, target }) =>
    target.expr && nodesOf(tree, 'Error').length === 0
      ? undefined
      : `is no PromQL: ${target.expr}`,
  ),
  selectorRule(
    'target-rate-interval-rule',
    ({ calledBy, window }) =>
      !RATES.has(calledBy) || window === '$__rate_interval',
    'has a rate that is not over $__rate_interval',
  ),
  selectorRule(
    'target-job-rule',
    (selector) => hasMatcher(selector, 'job'),
    'is not limited by job=~"$job"',
  ),
  selectorRule(
    'target-instance-rule',
    (selector) => hasMatcher(selector, 'instance'),
    'is not limited by instance=~"$instance"',
  ),
  selectorRule(
    'target-counter-agg-rule',
    ({ metric, calledBy }) =>
      !metric.endsWith('_total') || OF_COUNTERS.has(calledBy),
    'is a counter that is shown as it is',
  ),
];

/** Names of the variables in a text, `$a` and `${a}` alike. */
function variablesIn(text: string): string[] {
  return [...text.matchAll(/\$\{?(\w+)/g)].map((match) => match[1] ?? '');
}

const OWN_RULES: Rule[] = [
  queryRule('query-datasource-rule', ({ target }) =>
    target.datasource?.uid === DATASOURCE_UID
      ? undefined
      : `does not ask ${DATASOURCE_UID}`,
  ),
  queryRule('ref-id-rule', ({ target, panel }) => {
    const same = panel.targets?.filter(({ refId }) => refId === target.refId);
    return target.refId && same?.length === 1
      ? undefined
      : 'has no letter of its own';
  }),
  selectorRule(
    'rate-of-gauge-rule',
    ({ metric, calledBy }) =>
      COUNTER.test(metric) || !RATES.has(calledBy) || calledBy === 'resets',
    'is no counter, and has no rate',
  ),
  selectorRule(
    'increase-window-rule',
    ({ calledBy, window }) =>
      calledBy !== 'increase' ||
      window === '$__range' ||
      window === '$__rate_interval',
    'has an increase over a time that is not shown',
  ),
  queryRule('standard-metric-rule', ({ tree }) => {
    const metrics = selectors(tree).map(({ metric }) => metric);
    const standard = metrics.find((metric) => !OWN.test(metric));
    return standard && !metrics.includes('poolscope_build_info')
      ? `${standard} is not limited to processes that have poolscope`
      : undefined;
  }),
  queryRule('variable-rule', ({ target, dashboard }) => {
    const known = new Set(dashboard.templating.list.map(({ name }) => name));
    const unbound = variablesIn(target.expr ?? '').find(
      (name) => !known.has(name) && !BUILT_IN.has(name),
    );
    return unbound && `has a variable that the dashboard has not, $${unbound}`;
  }),
  queryRule('legend-rule', ({ target, tree }) => {
    const legend = target.legendFormat ?? '';
    if (legend === '' || legend === '__auto') return 'does not name its series';
    const outer = tree.children[0];
    if (outer?.kind !== 'AggregateExpr') return undefined;
    const operation = child(outer, 'AggregateOp')?.text ?? '';
    if (operation === 'topk') return undefined;
    const modifier = child(outer, 'AggregateModifier');
    const kept = nodesOf(modifier ?? parse(''), 'LabelName').map(
      ({ text }) => text,
    );
    const lost = [...legend.matchAll(/{{\s*(\w+)\s*}}/g)]
      .map((match) => match[1] ?? '')
      .find((label) => !kept.includes(label));
    return lost && `its legend has {{${lost}}}, which its series have not`;
  }),
  queryRule('unit-rule', ({ panel, tree }) => {
    // Buckets have their unit on the axis; what is coloured is a rate.
    if (panel.type === 'heatmap') return undefined;
    // The columns of a table have units of their own.
    if (panel.type === 'table') return undefined;
    const unit = panel.fieldConfig?.defaults?.unit ?? '';
    const fit = unitsOf(dimensionOf(tree));
    return fit.includes(unit)
      ? undefined
      : `is in ${fit.join(' or ') || 'no unit known'}, the panel in '${unit}'`;
  }),
];

export const QUERY_RULES: Rule[] = [...LINTER_RULES, ...OWN_RULES];
