// A heatmap. Grafana's is a panel of its server; the library has the chart, the
// scales and the axes, and the cells and the bar of colours are drawn here.
import {
  DataFrame,
  FieldType,
  formattedValueToString,
  getValueFormat,
  GrafanaTheme2,
} from '@grafana/data';
import {
  AxisPlacement,
  ScaleDirection,
  ScaleOrientation,
} from '@grafana/schema';
import { UPlotChart, UPlotConfigBuilder, VizLayout } from '@grafana/ui';
import { interpolateBlues } from 'd3-scale-chromatic';
import { useMemo } from 'react';
import uPlot from 'uplot';
import { TIME_ZONE } from './fields';
import type { PanelModel, PanelProps } from './picture';

// In pixels: a name of a row, and the axis of time and the bar of colours.
const NAME_HEIGHT = 16;
const BESIDE_ROWS_HEIGHT = 64;

interface Cells {
  /** From the bottom up. */
  rows: string[];
  times: number[];
  /** By row, then by time. */
  counts: Array<Array<number | undefined>>;
  most: number;
}

function cellsOf(frames: DataFrame[]): Cells {
  const byRow = frames.map((frame) => {
    const time = frame.fields.find(({ type }) => type === FieldType.time)!;
    const value = frame.fields.find(({ type }) => type === FieldType.number)!;
    return new Map<number, number>(
      time.values.map((at: number, index: number) => [at, value.values[index]]),
    );
  });
  const times = [...new Set(byRow.flatMap((row) => [...row.keys()]))].sort(
    (a, b) => a - b,
  );
  const counts = byRow.map((row) => times.map((at) => row.get(at)));
  const all = counts.flat().filter((count) => count !== undefined);
  return {
    rows: frames.map(({ name }) => name ?? ''),
    times,
    counts,
    most: Math.max(0, ...all),
  };
}

/** Colours from the least to the most: what is most stands out of the page. */
function palette(color: Record<string, any>, theme: GrafanaTheme2): string[] {
  if (color.scheme !== 'Blues') {
    throw new Error(`the scheme ${color.scheme} is not drawn`);
  }
  const count: number = color.steps;
  const colours = Array.from({ length: count }, (_, index) =>
    interpolateBlues(index / (count - 1)),
  );
  return color.reverse || theme.isDark ? colours.reverse() : colours;
}

function rowName(row: string, unit: string | undefined): string {
  if (unit === undefined || row === '+Inf') return row;
  return formattedValueToString(getValueFormat(unit)(Number(row)));
}

function configOf(props: PanelProps, cells: Cells, colours: string[]) {
  const { panel, theme, timeRange } = props;
  const builder = new UPlotConfigBuilder(TIME_ZONE);
  builder.addScale({
    scaleKey: 'x',
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [timeRange.from.valueOf(), timeRange.to.valueOf()],
  });
  builder.addScale({
    scaleKey: 'y',
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Up,
    range: () => [0, cells.rows.length],
  });
  builder.addAxis({
    scaleKey: 'x',
    isTime: true,
    placement: AxisPlacement.Bottom,
    timeZone: TIME_ZONE,
    theme,
    grid: { show: false },
  });
  const names = cells.rows.map((row) =>
    rowName(row, panel.options.yAxis?.unit),
  );
  // Every row has a name, or every second, as there is room.
  const rowsHeight = props.height - BESIDE_ROWS_HEIGHT;
  const every = Math.ceil((names.length * NAME_HEIGHT) / rowsHeight);
  const named = names.map((_, index) => index).filter((i) => i % every === 0);
  builder.addAxis({
    scaleKey: 'y',
    placement: AxisPlacement.Left,
    theme,
    grid: { show: false },
    splits: () => named.map((index) => index + 0.5),
    values: () => named.map((index) => names[index] ?? ''),
  });
  const gap: number = panel.options.cellGap;
  builder.addHook('draw', (plot: uPlot) => {
    const interval = cells.times[1]! - cells.times[0]! || 1000;
    const { ctx } = plot;
    ctx.save();
    ctx.beginPath();
    const { left, top, width, height } = plot.bbox;
    ctx.rect(left, top, width, height);
    ctx.clip();
    cells.counts.forEach((row, y) => {
      const upper = plot.valToPos(y + 1, 'y', true);
      const lower = plot.valToPos(y, 'y', true);
      row.forEach((count, x) => {
        if (!count) return; // nothing is no colour
        const end = cells.times[x]!;
        const from = plot.valToPos(end - interval, 'x', true);
        const to = plot.valToPos(end, 'x', true);
        const share = (count / cells.most) ** panel.options.color.exponent;
        ctx.fillStyle = colours[Math.round(share * (colours.length - 1))]!;
        ctx.fillRect(from, upper, to - from - gap, lower - upper - gap);
      });
    });
    ctx.restore();
  });
  return builder;
}

function Legend({ panel, cells, colours }: {
  panel: PanelModel;
  cells: Cells;
  colours: string[];
}) {
  const unit = getValueFormat(panel.options.cellValues?.unit);
  return (
    <div style={{ display: 'flex', gap: 8, fontSize: 12, margin: 4 }}>
      <span>0</span>
      <div
        style={{
          width: 240,
          background: `linear-gradient(to right, ${colours.join(', ')})`,
        }}
      />
      <span>{formattedValueToString(unit(cells.most))}</span>
    </div>
  );
}

export function Heat(props: PanelProps) {
  const { panel, frames, theme, width, height } = props;
  const [cells, colours, builder] = useMemo(() => {
    const found = cellsOf(frames);
    const shades = palette(panel.options.color, theme);
    return [found, shades, configOf(props, found, shades)] as const;
  }, [frames]);
  const legend = (
    <VizLayout.Legend placement="bottom">
      <Legend panel={panel} cells={cells} colours={colours} />
    </VizLayout.Legend>
  );
  return (
    <VizLayout width={width} height={height} legend={legend}>
      {(inner: number, innerHeight: number) => (
        <UPlotChart
          config={builder}
          data={[cells.times]}
          width={inner}
          height={innerHeight}
        />
      )}
    </VizLayout>
  );
}
