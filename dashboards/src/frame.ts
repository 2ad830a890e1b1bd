// What every dashboard has: its variables, links and annotations, the time it
// shows, and the grid that its panels stand in.
import * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import { AnyPanel, DATASOURCE, words } from './panels.js';
import { ofProcess } from './query.js';
import { COLOUR } from './style.js';

/** Common to all of them; the links between them are found by it. */
export const TAG = 'poolscope';

/** The names of alerts begin with it. */
export const ALERT_PREFIX = 'Poolscope';

/** Of classic dashboards, which Grafana 10.4 and later read as they are. */
export const SCHEMA_VERSION = 39;

const GRID_WIDTH = 24;

/** Panels beside each other. Those without a width share what is left. */
export interface Band {
  height: number;
  panels: AnyPanel[];
  /** Columns of 24, for each panel; shared equally when left out. */
  widths?: number[];
}

export function band(
  height: number,
  panels: AnyPanel[],
  widths?: number[],
): Band {
  return widths === undefined ? { height, panels } : { height, panels, widths };
}

export interface Page {
  uid: string;
  title: string;
  /** The question that the dashboard answers for someone on call. */
  question: string;
  /** How to read it, in Markdown: a line or two below the question. */
  guide: string;
  /** Variables after job and instance. */
  choices: Array<'allocator' | 'group'>;
  bands: Band[];
}

const ALL: dashboard.VariableOption = {
  selected: true,
  text: ['All'],
  value: ['$__all'],
};

function choice(
  name: string,
  label: string,
  description: string,
  query: string,
): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query({ query, refId: name, qryType: 1 })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current(ALL);
}

function variables(page: Page): cog.Builder<dashboard.VariableModel>[] {
  const list: cog.Builder<dashboard.VariableModel>[] = [
    new dashboard.DatasourceVariableBuilder('datasource')
      .label('Data source')
      .description('The Prometheus that the figures are from.')
      .type('prometheus'),
    choice(
      'job',
      'Job',
      'Jobs of Prometheus whose targets use the library.',
      'label_values(poolscope_build_info, job)',
    ),
    choice(
      'instance',
      'Instance',
      'Processes of the jobs chosen.',
      'label_values(poolscope_build_info{job=~"$job"}, instance)',
    ),
  ];
  if (page.choices.includes('allocator')) {
    list.push(
      choice(
        'allocator',
        'Allocator',
        'Allocators of the instances chosen, by the names they were given.',
        `label_values(${ofProcess('poolscope_config_info')}, allocator)`,
      ),
    );
  }
  if (page.choices.includes('group')) {
    list.push(
      choice(
        'group',
        'Group',
        'Groups of channels of the instances chosen.',
        `label_values(${ofProcess('poolscope_outbound_pending_bytes')}, group)`,
      ),
    );
  }
  return list;
}

function annotation(
  name: string,
  expr: string,
  titleFormat: string,
  textFormat: string,
  tagKeys: string,
  colour: string,
): cog.Builder<dashboard.AnnotationQuery> {
  return new dashboard.AnnotationQueryBuilder()
    .name(name)
    .datasource(DATASOURCE)
    .enable(true)
    .hide(false)
    .iconColor(colour)
    .expr(expr)
    .titleFormat(titleFormat)
    .textFormat(textFormat)
    .tagKeys(tagKeys)
    .step('60s')
    .useValueForTime(false)
    .target(
      new prometheus.DataqueryBuilder()
        .refId('Anno')
        .datasource(DATASOURCE)
        .expr(expr),
    );
}

const ALERTS = ofProcess(
  'ALERTS',
  `alertname=~"${ALERT_PREFIX}.+"`,
  'alertstate="firing"',
);

// The number of the latest snapshot only ever grows while a process lives.
const RESTARTS =
  `sum by (job, instance) ` +
  `(resets(${ofProcess('poolscope_snapshot_id')}[$__rate_interval])) > 0`;

function place(bands: Band[]): AnyPanel[] {
  const placed: AnyPanel[] = [];
  let y = 0;
  for (const { height, panels, widths } of bands) {
    let x = 0;
    panels.forEach((panel, index) => {
      const w = widths?.[index] ?? GRID_WIDTH / panels.length;
      placed.push(panel.id(placed.length + 1).gridPos({ x, y, w, h: height }));
      x += w;
    });
    y += height;
  }
  return placed;
}

/**
 * The dashboard in the version that it says to be of. The builders are those of
 * a later one, and put in defaults that this one does not have, or that hide
 * the links in a menu.
 */
function classic(built: dashboard.Dashboard): dashboard.Dashboard {
  built.schemaVersion = SCHEMA_VERSION;
  delete built.id;
  for (const variable of built.templating.list ?? []) {
    delete variable.auto;
    delete variable.auto_min;
    delete variable.auto_count;
  }
  for (const each of [...(built.links ?? []), ...annotations(built)]) {
    delete each.placement;
  }
  for (const panel of built.panels ?? []) {
    if (panel.type === 'table' && 'options' in panel) {
      delete panel.options.footer;
    }
  }
  return built;
}

function annotations(
  built: dashboard.Dashboard,
): dashboard.AnnotationQuery[] {
  return built.annotations.list ?? [];
}

/** The dashboard, as it is imported into Grafana. */
export function build(page: Page): dashboard.Dashboard {
  const opening = words(page.question, page.guide);
  const builder = new dashboard.DashboardBuilder(`Poolscope / ${page.title}`)
    .uid(page.uid)
    .description(page.question)
    .tags([TAG])
    .readonly()
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .version(1)
    .variables(variables(page))
    .annotations([
      annotation(
        'Restarts',
        RESTARTS,
        'Restart',
        '{{instance}}',
        'job',
        COLOUR.used,
      ),
      annotation(
        'Firing alerts',
        ALERTS,
        '{{alertname}}',
        '{{instance}}',
        'severity',
        COLOUR.bad,
      ),
    ])
    .link(
      new dashboard.DashboardLinkBuilder('Poolscope')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([TAG])
        .tooltip('The other dashboards, for the same time and instances')
        .icon('external link')
        .asDropdown(false)
        .includeVars(true)
        .keepTime(true)
        .targetBlank(false),
    );
  for (const panel of place([band(3, [opening]), ...page.bands])) {
    builder.withPanel(panel);
  }
  return classic(builder.build());
}
