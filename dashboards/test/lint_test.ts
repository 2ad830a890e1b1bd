// Each rule finds nothing in the dashboards, and something in one that is
// broken in its way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAll, render } from '../src/catalogue.js';
import { lint, RULES } from '../src/lint/lint.js';
import { Dashboard, Panel, Target, Variable } from '../src/lint/model.js';

function dashboards(): Dashboard[] {
  return [...buildAll().values()].map((built) => JSON.parse(render(built)));
}

function panel({ panels }: Dashboard, type: string): Panel {
  const found = panels.find((each) => each.type === type);
  assert(found !== undefined, `no panel '${type}'`);
  return found;
}

function target(dashboard: Dashboard): Target {
  const found = panel(dashboard, 'timeseries').targets?.[0];
  assert(found !== undefined);
  return found;
}

function variable({ templating }: Dashboard, name: string): Variable {
  const found = templating.list.find((each) => each.name === name);
  assert(found !== undefined, `no variable '${name}'`);
  return found;
}

function forget<T>(list: T[], drop: (each: T) => boolean): void {
  const index = list.findIndex(drop);
  assert(index >= 0);
  list.splice(index, 1);
}

const CHOSEN = 'job=~"$job", instance=~"$instance"';

/** Gives the first graph another query. */
function ask(expr: string): (dashboard: Dashboard) => void {
  return (dashboard) => {
    target(dashboard).expr = expr;
  };
}

type Break = (dashboard: Dashboard) => void;

/** The ways to break a dashboard, by the rule that must see it. */
const BREAKS: ReadonlyArray<readonly [string, Break]> = [
  [
    'template-datasource-rule',
    (d) => forget(d.templating.list, ({ type }) => type === 'datasource'),
  ],
  [
    'template-datasource-rule',
    (d) => {
      variable(d, 'datasource').label = 'Source';
    },
  ],
  [
    'template-job-rule',
    (d) => forget(d.templating.list, ({ name }) => name === 'job'),
  ],
  [
    'template-job-rule',
    (d) => {
      variable(d, 'job').allValue = '.*';
    },
  ],
  [
    'template-instance-rule',
    (d) => {
      variable(d, 'instance').multi = false;
    },
  ],
  [
    'template-instance-rule',
    (d) => {
      variable(d, 'instance').query =
        'label_values(poolscope_build_info, instance)';
    },
  ],
  [
    'template-label-promql-rule',
    (d) => {
      variable(d, 'instance').query = 'label_values(up{, instance)';
    },
  ],
  [
    'template-on-time-change-reload-rule',
    (d) => {
      variable(d, 'allocator').refresh = 1;
    },
  ],
  [
    'uneditable-dashboard-rule',
    (d) => {
      d.editable = true;
    },
  ],
  [
    'uid-rule',
    (d) => {
      d.uid = 'poolscope_overview';
    },
  ],
  [
    'uid-rule',
    (d) => {
      d.uid = `poolscope-${'x'.repeat(31)}`;
    },
  ],
  [
    'uid-rule',
    (d) => {
      d.uid = 'poolscope-backlog';
    },
  ],
  [
    'import-rule',
    (d) => {
      d.id = null;
    },
  ],
  [
    'import-rule',
    (d) => {
      d.__inputs = [];
    },
  ],
  [
    'schema-version-rule',
    (d) => {
      d.schemaVersion = 42;
    },
  ],
  [
    'tag-rule',
    (d) => {
      d.tags = ['memory'];
    },
  ],
  [
    'link-rule',
    (d) => {
      d.links = [];
    },
  ],
  [
    'link-rule',
    (d) => {
      for (const link of d.links ?? []) link.keepTime = false;
    },
  ],
  [
    'link-rule',
    (d) => {
      for (const link of d.links ?? []) link.includeVars = false;
    },
  ],
  [
    'tooltip-rule',
    (d) => {
      d.graphTooltip = 0;
    },
  ],
  [
    'annotation-rule',
    (d) => forget(d.annotations.list, ({ name }) => name === 'Restarts'),
  ],
  [
    'annotation-rule',
    (d) => {
      for (const each of d.annotations.list) each.enable = false;
    },
  ],
  [
    'question-rule',
    (d) => {
      panel(d, 'text').title = 'Overview';
    },
  ],
  [
    'question-rule',
    (d) => {
      d.description = 'Overview';
    },
  ],
  [
    'panel-datasource-rule',
    (d) => {
      panel(d, 'stat').datasource = { type: 'prometheus', uid: 'mine' };
    },
  ],
  [
    'panel-title-description-rule',
    (d) => {
      panel(d, 'stat').title = ' ';
    },
  ],
  [
    'panel-title-description-rule',
    (d) => {
      delete panel(d, 'text').description;
    },
  ],
  [
    'panel-units-rule',
    (d) => {
      delete panel(d, 'stat').fieldConfig?.defaults?.unit;
    },
  ],
  [
    'panel-no-targets-rule',
    (d) => {
      panel(d, 'stat').targets = [];
    },
  ],
  [
    'panel-id-rule',
    (d) => {
      panel(d, 'stat').id = 1;
    },
  ],
  [
    'panel-title-unique-rule',
    (d) => {
      panel(d, 'stat').title = panel(d, 'bargauge').title ?? '';
    },
  ],
  [
    'grid-rule',
    (d) => {
      panel(d, 'bargauge').gridPos.x -= 1;
    },
  ],
  [
    'grid-rule',
    (d) => {
      panel(d, 'bargauge').gridPos.w += 1;
    },
  ],
  [
    'width-rule',
    (d) => {
      panel(d, 'bargauge').gridPos.w -= 1;
    },
  ],
  [
    'threshold-rule',
    (d) => {
      const { defaults } = panel(d, 'bargauge').fieldConfig ?? {};
      for (const step of defaults?.thresholds?.steps ?? []) {
        if (step.value === 0.9) step.value = 0.95;
      }
    },
  ],
  [
    'target-logql-rule',
    (d) => {
      target(d).datasource = { type: 'loki', uid: '${datasource}' };
    },
  ],
  ['target-logql-auto-rule', ask(`rate(a_total{${CHOSEN}}[$__auto])`)],
  ['target-promql-rule', ask(`sum(poolscope_chunks{${CHOSEN}}`)],
  ['target-promql-rule', ask('')],
  ['target-rate-interval-rule', ask(`sum(rate(a_total{${CHOSEN}}[5m]))`)],
  [
    'target-rate-interval-rule',
    ask(`irate(a_total{${CHOSEN}}[$__interval])`),
  ],
  ['target-job-rule', ask('poolscope_chunks{instance=~"$instance"}')],
  ['target-job-rule', ask('poolscope_chunks')],
  ['target-job-rule', ask('a{job="$job", instance=~"$instance"}')],
  ['target-instance-rule', ask('poolscope_chunks{job=~"$job"}')],
  ['target-counter-agg-rule', ask(`sum(a_total{${CHOSEN}})`)],
  ['target-counter-agg-rule', ask(`max_over_time(a_total{${CHOSEN}}[1h])`)],
  [
    'query-datasource-rule',
    (d) => {
      target(d).datasource = { type: 'prometheus', uid: 'mine' };
    },
  ],
  [
    'ref-id-rule',
    (d) => {
      for (const each of panel(d, 'timeseries').targets ?? []) each.refId = 'A';
    },
  ],
  [
    'rate-of-gauge-rule',
    ask(`rate(poolscope_chunks{${CHOSEN}}[$__rate_interval])`),
  ],
  ['increase-window-rule', ask(`increase(a_total{${CHOSEN}}[1h])`)],
  ['standard-metric-rule', ask(`sum(up{${CHOSEN}})`)],
  ['variable-rule', ask(`poolscope_chunks{${CHOSEN}, group=~"$group"}`)],
  [
    'legend-rule',
    (d) => {
      target(d).legendFormat = '';
    },
  ],
  [
    'legend-rule',
    (d) => {
      target(d).expr = `sum by (job) (a_bytes{${CHOSEN}})`;
      target(d).legendFormat = '{{instance}}';
    },
  ],
  ['unit-rule', ask(`sum(poolscope_chunks{${CHOSEN}})`)],
  [
    'unit-rule',
    ask(`sum(rate(a_bytes_total{${CHOSEN}}[$__rate_interval]))`),
  ],
  ['unit-rule', ask(`a_bytes{${CHOSEN}} / b_bytes{${CHOSEN}}`)],
];

test('the dashboards keep every rule', () => {
  assert.deepEqual(lint(dashboards()), []);
});

test('every rule is broken by something below', () => {
  const broken = new Set(BREAKS.map(([rule]) => rule));
  assert.deepEqual(
    RULES.map(({ name }) => name).filter((name) => !broken.has(name)),
    [],
  );
});

BREAKS.forEach(([rule, damage], index) => {
  test(`${rule} sees a broken dashboard (${index})`, () => {
    const all = dashboards();
    const overview = all.find(({ uid }) => uid === 'poolscope-overview');
    assert(overview !== undefined);
    damage(overview);
    const rules = lint(all).map((finding) => finding.rule);
    assert(rules.includes(rule), `found by ${rules.join(', ') || 'none'}`);
  });
});
