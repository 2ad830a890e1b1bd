// The panels of all dashboards. A panel is made by a function that takes its
// title, its description, its unit and its queries, in this order, and then
// what is special about it; how it looks is said here, once.
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as text from '@grafana/grafana-foundation-sdk/text';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { COLOUR, steps } from './style.js';

/** Any panel, before it has a place. */
export type AnyPanel = cog.Builder<dashboard.Panel> & {
  id(id: number): AnyPanel;
  gridPos(place: dashboard.GridPos): AnyPanel;
};

/** One query: PromQL, the legend of its series, and perhaps their colour. */
export interface Query {
  expr: string;
  legend: string;
  colour?: string;
  /** A line over the areas, as a limit is; dashed when it says so. */
  line?: 'solid' | 'dashed';
}

export const DATASOURCE: common.DataSourceRef = {
  type: 'prometheus',
  uid: '${datasource}',
};

const REF_IDS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function target(
  query: Query,
  index: number,
  kind: 'range' | 'instant',
  format = prometheus.PromQueryFormat.TimeSeries,
): prometheus.DataqueryBuilder {
  const built = new prometheus.DataqueryBuilder()
    .refId(REF_IDS.charAt(index))
    .datasource(DATASOURCE)
    .expr(query.expr)
    .legendFormat(query.legend)
    .format(format);
  return kind === 'instant' ? built.instant() : built.range();
}

function property(id: string, value: unknown): dashboard.DynamicConfigValue {
  return { id, value };
}

function fixed(colour: string): dashboard.DynamicConfigValue {
  return property('color', { mode: 'fixed', fixedColor: colour });
}

function thresholds(
  list: dashboard.Threshold[],
): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(list);
}

function byThresholds(): dashboard.FieldColorBuilder {
  return new dashboard.FieldColorBuilder().mode(
    dashboard.FieldColorModeId.Thresholds,
  );
}

// --- One number --------------------------------------------------------------

export interface StatOptions {
  thresholds?: dashboard.Threshold[];
  /** What stands there while there is no series, and that it is good news. */
  noValue?: string;
  noneIsGood?: boolean;
  decimals?: number;
  /** The line of the past under the number; there unless it is `false`. */
  history?: boolean;
  /** Words that stand for single values. */
  words?: Readonly<Record<string, string>>;
}

// In pixels: smaller than the value, which is as large as there is room.
const NAME_SIZE = 14;

/**
 * The present value, large. Where the past is drawn under it, the name of the
 * series is at its left: a number alone would stand in the middle, on the line.
 */
export function number(
  title: string,
  description: string,
  unit: string,
  query: Query,
  options: StatOptions = {},
): stat.PanelBuilder {
  const history = options.history ?? true;
  const panel = new stat.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .withTarget(target(query, 0, history ? 'range' : 'instant'))
    .thresholds(thresholds(options.thresholds ?? steps(COLOUR.plain)))
    .colorScheme(byThresholds())
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(
      history ? common.BigValueGraphMode.Area : common.BigValueGraphMode.None,
    )
    .textMode(
      history
        ? common.BigValueTextMode.ValueAndName
        : common.BigValueTextMode.Value,
    )
    .text(new common.VizTextDisplayOptionsBuilder().titleSize(NAME_SIZE))
    .reduceOptions(
      new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']),
    );
  if (options.noValue !== undefined) panel.noValue(options.noValue);
  if (options.decimals !== undefined) panel.decimals(options.decimals);
  // Else it has the colour of the least value.
  if (options.noneIsGood) {
    panel.mappings([
      {
        type: dashboard.MappingType.SpecialValue,
        options: {
          match: dashboard.SpecialValueMatch.Null,
          result: { text: options.noValue, color: COLOUR.good, index: 0 },
        },
      },
    ]);
  }
  if (options.words !== undefined) panel.mappings([inWords(options.words)]);
  return panel;
}

function inWords(words: Readonly<Record<string, string>>): dashboard.ValueMap {
  return {
    type: dashboard.MappingType.ValueToText,
    options: Object.fromEntries(
      Object.entries(words).map(([value, text], index) => [
        value,
        { text, index },
      ]),
    ),
  };
}

// --- Over time ---------------------------------------------------------------

export interface GraphOptions {
  stacked?: boolean;
  bars?: boolean;
  min?: number;
  max?: number;
  /** Drawn as dashed lines, in their colours. */
  thresholds?: dashboard.Threshold[];
  noValue?: string;
  /** Colours of series by their name in the legend. */
  colours?: Readonly<Record<string, string>>;
  /** Colours of series whose name ends so. */
  endings?: Readonly<Record<string, string>>;
  /** What the legend says of each series; the last and the most if left out. */
  calcs?: string[];
  /** Words that stand for single values. */
  words?: Readonly<Record<string, string>>;
}

// From this width on, of 24 columns, there is room for a table beside a graph.
const TABLE_MIN_WIDTH = 10;

// The least that an axis shows, by unit: one of nothing but zeros would reach
// to 100, which is 10000 %.
const AXIS_MIN_TOP: Readonly<Record<string, number>> = {
  short: 1,
  ops: 1,
  reqps: 1,
  percentunit: 0.01,
  bytes: 1024,
  Bps: 1000,
};

/**
 * A graph whose legend is where it does not have to be cut: a table with a row
 * a series at the right, or, in a narrow panel, a line of names and last values
 * below.
 */
class Graph extends timeseries.PanelBuilder {
  constructor(private readonly calcs: string[]) {
    super();
  }

  override gridPos(place: dashboard.GridPos): this {
    const table = place.w >= TABLE_MIN_WIDTH;
    this.legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(
          table
            ? common.LegendDisplayMode.Table
            : common.LegendDisplayMode.List,
        )
        .placement(
          table ? common.LegendPlacement.Right : common.LegendPlacement.Bottom,
        )
        .showLegend(true)
        .calcs(table ? this.calcs : ['lastNotNull']),
    );
    return super.gridPos(place);
  }
}

/** Values over time. */
export function graph(
  title: string,
  description: string,
  unit: string,
  queries: Query[],
  options: GraphOptions = {},
): timeseries.PanelBuilder {
  const stacked = options.stacked ?? false;
  const panel = new Graph(options.calcs ?? ['lastNotNull', 'max'])
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .targets(queries.map((query, index) => target(query, index, 'range')))
    .min(options.min ?? 0)
    .drawStyle(
      options.bars ? common.GraphDrawStyle.Bars : common.GraphDrawStyle.Line,
    )
    .lineWidth(stacked ? 0 : 2)
    .fillOpacity(stacked || options.bars ? 70 : 8)
    .showPoints(common.VisibilityMode.Never)
    .stacking(
      new common.StackingConfigBuilder()
        .mode(stacked ? common.StackingMode.Normal : common.StackingMode.None)
        .group('A'),
    )
    .colorScheme(
      new dashboard.FieldColorBuilder().mode(
        dashboard.FieldColorModeId.PaletteClassicByName,
      ),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    );
  const top = AXIS_MIN_TOP[unit];
  if (options.max !== undefined) {
    panel.max(options.max);
  } else if (top !== undefined) {
    panel.axisSoftMax(top);
  }
  if (options.noValue !== undefined) panel.noValue(options.noValue);
  if (options.words !== undefined) panel.mappings([inWords(options.words)]);
  if (options.thresholds !== undefined) {
    panel
      .thresholds(thresholds(options.thresholds))
      .thresholdsStyle(
        new common.GraphThresholdsStyleConfigBuilder().mode(
          common.GraphThresholdsStyleMode.Dashed,
        ),
      );
  }
  queries.forEach((query, index) => {
    const properties: dashboard.DynamicConfigValue[] = [];
    if (query.colour !== undefined) properties.push(fixed(query.colour));
    if (query.line !== undefined) {
      properties.push(
        property('custom.stacking', { mode: 'none', group: 'A' }),
        property('custom.fillOpacity', 0),
        property('custom.lineWidth', 2),
      );
    }
    if (query.line === 'dashed') {
      properties.push(
        property('custom.lineStyle', { fill: 'dash', dash: [10, 10] }),
      );
    }
    if (properties.length > 0) {
      panel.overrideByQuery(REF_IDS.charAt(index), properties);
    }
  });
  for (const [name, colour] of Object.entries(options.colours ?? {})) {
    panel.overrideByName(name, [fixed(colour)]);
  }
  for (const [ending, colour] of Object.entries(options.endings ?? {})) {
    panel.overrideByRegexp(`/ ${ending}$/`, [fixed(colour)]);
  }
  return panel;
}

/**
 * Counts by range over time, the lowest range at the bottom. Each range is a
 * query of its own, since Prometheus would sort them by their spelling.
 */
export function counts(
  title: string,
  description: string,
  unit: string,
  queries: Query[],
): heatmap.PanelBuilder {
  return new heatmap.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .targets(queries.map((query, index) => target(query, index, 'range')))
    .calculate(false)
    .cellGap(1)
    .cellValues({ build: () => ({ unit }) })
    .yAxis({ build: () => ({ axisPlacement: common.AxisPlacement.Left }) })
    .color(heat())
    .showLegend();
}

/** A histogram of Prometheus over time; `unit` is that of its buckets. */
export function histogram(
  title: string,
  description: string,
  unit: string,
  query: Query,
): heatmap.PanelBuilder {
  const format = prometheus.PromQueryFormat.Heatmap;
  return new heatmap.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .withTarget(target(query, 0, 'range', format))
    .calculate(false)
    .cellGap(0)
    .cellValues({ build: () => ({ unit: 'ops' }) })
    .yAxis({
      build: () => ({ unit, axisPlacement: common.AxisPlacement.Left }),
    })
    .color(heat())
    .showLegend();
}

function heat(): cog.Builder<heatmap.HeatmapColorOptions> {
  return {
    build: () => ({
      mode: heatmap.HeatmapColorMode.Scheme,
      scheme: 'Blues',
      fill: 'blue',
      scale: heatmap.HeatmapColorScale.Exponential,
      exponent: 0.5,
      steps: 32,
      // Grafana turns the scheme itself where the page is dark.
      reverse: false,
    }),
  };
}

// --- One value a series, now -------------------------------------------------

export interface BarOptions {
  thresholds?: dashboard.Threshold[];
  max?: number;
  noValue?: string;
}

/** The present values as horizontal bars, for a ranking. */
export function ranking(
  title: string,
  description: string,
  unit: string,
  query: Query,
  options: BarOptions = {},
): bargauge.PanelBuilder {
  const panel = new bargauge.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .withTarget(target(query, 0, 'instant'))
    .min(0)
    .thresholds(thresholds(options.thresholds ?? steps(COLOUR.plain)))
    .colorScheme(byThresholds())
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .valueMode(common.BarGaugeValueMode.Color)
    .showUnfilled(true)
    .maxVizHeight(40)
    .reduceOptions(
      new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']),
    );
  if (options.max !== undefined) panel.max(options.max);
  if (options.noValue !== undefined) panel.noValue(options.noValue);
  return panel;
}

/** A column of a table: the field it shows, its heading, perhaps its unit. */
export interface Column {
  field: string;
  heading: string;
  unit?: string;
  /** In pixels; those without share what is left. */
  width?: number;
}

/**
 * Series as the rows of a table: their labels, and the value of each query,
 * named `Value #A` and so on (`Value` when there is one query). Columns that
 * are not named are left out.
 */
export function rows(
  title: string,
  description: string,
  unit: string,
  queries: Query[],
  columns: Column[],
  options: { noValue?: string; sortBy?: string } = {},
): table.PanelBuilder {
  const format = prometheus.PromQueryFormat.Table;
  const panel = new table.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .targets(
      queries.map((query, index) => target(query, index, 'instant', format)),
    )
    .showHeader(true)
    .filterable(true);
  if (queries.length > 1) {
    panel.withTransformation({ id: 'merge', options: {} });
  }
  panel
    .withTransformation({
      id: 'filterFieldsByName',
      options: { include: { names: columns.map(({ field }) => field) } },
    })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: {},
        indexByName: Object.fromEntries(
          columns.map(({ field }, index) => [field, index]),
        ),
        renameByName: Object.fromEntries(
          columns.map(({ field, heading }) => [field, heading]),
        ),
      },
    });
  for (const column of columns) {
    const properties: dashboard.DynamicConfigValue[] = [];
    if (column.unit !== undefined) {
      properties.push(property('unit', column.unit));
    }
    if (column.width !== undefined) {
      properties.push(property('custom.width', column.width));
    }
    if (properties.length > 0) {
      panel.overrideByName(column.heading, properties);
    }
  }
  if (options.noValue !== undefined) panel.noValue(options.noValue);
  if (options.sortBy !== undefined) {
    panel.sortBy([
      new common.TableSortByFieldStateBuilder()
        .displayName(options.sortBy)
        .desc(true),
    ]);
  }
  return panel;
}

// --- Words -------------------------------------------------------------------

/** Words, in Markdown. */
export function words(title: string, markdown: string): text.PanelBuilder {
  return new text.PanelBuilder()
    .title(title)
    .description('What this dashboard answers, and where to look next.')
    .mode(text.TextMode.Markdown)
    .content(markdown);
}
