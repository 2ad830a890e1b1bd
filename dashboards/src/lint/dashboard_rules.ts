// Rules about a dashboard as a whole: what it is called, its variables, links
// and annotations.
import { SCHEMA_VERSION, TAG } from '../frame.js';
import { Dashboard, Variable, variableQuery } from './model.js';
import { nodesOf, parse } from './promql.js';
import { Rule, Verdict, dashboardRule } from './rule.js';

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)+$/;
const UID_MAX_LENGTH = 40;
const RELOAD_ON_TIME_CHANGE = 2;
const SHARED_CROSSHAIR = 1;
const DATASOURCE_UID = '${datasource}';
const LABEL_VALUES = /^label_values\((?:(.*),)?\s*([a-z_]+)\)$/s;

function variable(dashboard: Dashboard, name: string): Variable | undefined {
  return dashboard.templating.list.find((each) => each.name === name);
}

function queryVariables(dashboard: Dashboard): Variable[] {
  return dashboard.templating.list.filter(({ type }) => type === 'query');
}

/** What both variables must be that the selectors are limited by. */
function instanceVariable(
  dashboard: Dashboard,
  name: string,
  label: string,
  query: string,
): Verdict {
  const found = variable(dashboard, name);
  if (found === undefined) return `has no variable '${name}'`;
  const problems: string[] = [];
  if (found.type !== 'query') problems.push('is no query');
  if (found.label !== label) problems.push(`is not labelled '${label}'`);
  if (found.datasource?.uid !== DATASOURCE_UID) {
    problems.push(`does not ask ${DATASOURCE_UID}`);
  }
  if (found.multi !== true) problems.push('takes one value alone');
  if (found.includeAll !== true) problems.push('has no All');
  if (found.allValue !== '.+') problems.push("has not '.+' for All");
  if (variableQuery(found) !== query) problems.push(`does not ask ${query}`);
  return problems.length === 0
    ? undefined
    : `variable '${name}' ${problems.join(', ')}`;
}

/** Rules of Grafana's dashboard-linter about dashboards and variables. */
const LINTER_RULES: Rule[] = [
  dashboardRule('template-datasource-rule', (dashboard) => {
    const sources = dashboard.templating.list.filter(
      ({ type }) => type === 'datasource',
    );
    const [source] = sources;
    if (source === undefined || sources.length > 1) {
      return `has ${sources.length} variables for the data source`;
    }
    if (source.name !== 'datasource') return `calls it '${source.name}'`;
    if (source.label !== 'Data source') return `labels it '${source.label}'`;
    if (source.query !== 'prometheus') return 'takes others than Prometheus';
    return undefined;
  }),
  dashboardRule('template-job-rule', (dashboard) =>
    instanceVariable(
      dashboard,
      'job',
      'Job',
      'label_values(poolscope_build_info, job)',
    ),
  ),
  dashboardRule('template-instance-rule', (dashboard) =>
    instanceVariable(
      dashboard,
      'instance',
      'Instance',
      'label_values(poolscope_build_info{job=~"$job"}, instance)',
    ),
  ),
  dashboardRule('template-label-promql-rule', (dashboard) => {
    const wrong = queryVariables(dashboard).find((each) => {
      const match = LABEL_VALUES.exec(variableQuery(each));
      return (
        match === null || nodesOf(parse(match[1] ?? ''), 'Error').length > 0
      );
    });
    return wrong && `variable '${wrong.name}' asks for no label's values`;
  }),
  dashboardRule('template-on-time-change-reload-rule', (dashboard) => {
    const wrong = queryVariables(dashboard).find(
      ({ refresh }) => refresh !== RELOAD_ON_TIME_CHANGE,
    );
    return wrong && `variable '${wrong.name}' is not asked anew in time`;
  }),
  dashboardRule('uneditable-dashboard-rule', ({ editable }) =>
    editable === false ? undefined : 'can be edited',
  ),
];

const OWN_RULES: Rule[] = [
  dashboardRule('uid-rule', ({ uid = '' }) => {
    if (!KEBAB.test(uid)) return `uid '${uid}' is no words-with-hyphens`;
    if (!uid.startsWith(`${TAG}-`)) return `uid '${uid}' lacks '${TAG}-'`;
    if (uid.length > UID_MAX_LENGTH) return `uid '${uid}' is too long`;
    return undefined;
  }),
  dashboardRule('import-rule', (dashboard) => {
    if ('id' in dashboard) return 'has an id, which is that of one Grafana';
    if ('__inputs' in dashboard) return 'has __inputs';
    return undefined;
  }),
  dashboardRule('schema-version-rule', ({ schemaVersion }) =>
    schemaVersion === SCHEMA_VERSION
      ? undefined
      : `schemaVersion is ${schemaVersion}, not ${SCHEMA_VERSION}`,
  ),
  dashboardRule('tag-rule', ({ tags = [] }) =>
    tags.includes(TAG) ? undefined : `lacks the tag '${TAG}'`,
  ),
  dashboardRule('link-rule', ({ links = [] }) => {
    const link = links.find(
      ({ type, tags = [] }) => type === 'dashboards' && tags.includes(TAG),
    );
    if (link === undefined) return 'does not link to the others by their tag';
    if (link.keepTime !== true) return 'loses the time on the way';
    if (link.includeVars !== true) return 'loses the variables on the way';
    return undefined;
  }),
  dashboardRule('tooltip-rule', ({ graphTooltip }) =>
    graphTooltip === SHARED_CROSSHAIR ? undefined : 'shares no crosshair',
  ),
  dashboardRule('annotation-rule', ({ annotations }) => {
    const enabled = annotations.list.filter(({ enable }) => enable === true);
    const asks = (text: string): boolean =>
      enabled.some(({ expr = '' }) => expr.includes(text));
    if (!asks('resets(')) return 'does not mark restarts';
    if (!asks('ALERTS{')) return 'does not mark firing alerts';
    const other = enabled.find(
      ({ datasource }) => datasource?.uid !== DATASOURCE_UID,
    );
    return other && `annotation '${other.name}' asks another data source`;
  }),
  dashboardRule('question-rule', ({ panels, description = '' }) => {
    const [first] = panels;
    if (first?.type !== 'text') return 'does not open with words';
    if (!first.title?.endsWith('?')) return 'does not open with a question';
    return description === first.title
      ? undefined
      : 'is described by another question';
  }),
];

export const DASHBOARD_RULES: Rule[] = [...LINTER_RULES, ...OWN_RULES];
