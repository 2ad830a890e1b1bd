// Asks Prometheus what a panel asks, and hands out data frames in the form that
// Grafana's own data source gives them.
import {
  createDataFrame,
  DataFrame,
  DataFrameType,
  Field,
  FieldType,
} from '@grafana/data';
import { PanelModel, Picture, Target } from './picture';

type Labels = Record<string, string>;

interface Series {
  metric: Labels;
  values: Array<[number, string]>;
}

/** The points of a range are as far apart as the scrapes. */
function stepSeconds(picture: Picture): number {
  return picture.scrapeSeconds;
}

function variables(picture: Picture): Labels {
  const scrape = picture.scrapeSeconds;
  const step = stepSeconds(picture);
  const values: Labels = {
    __interval: `${step}s`,
    // Grafana's rule for it.
    __rate_interval: `${Math.max(step + scrape, 4 * scrape)}s`,
    __range: `${Math.ceil(picture.to - picture.from)}s`,
  };
  for (const { name, allValue } of picture.dashboard.templating.list) {
    values[name] = picture.variables[name] ?? allValue ?? '';
  }
  return values;
}

/** `text` with its variables filled in; one that is unknown is an error. */
export function fillIn(text: string, picture: Picture): string {
  const values = variables(picture);
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => {
    const value = values[braced ?? bare];
    if (value === undefined) throw new Error(`unknown variable ${whole}`);
    return value;
  });
}

async function ask(target: Target, picture: Picture): Promise<Series[]> {
  const parameters = new URLSearchParams({
    query: fillIn(target.expr, picture),
  });
  if (target.instant) {
    parameters.set('time', String(picture.to));
  } else {
    parameters.set('start', String(picture.from));
    parameters.set('end', String(picture.to));
    parameters.set('step', String(stepSeconds(picture)));
  }
  const page = target.instant ? 'query' : 'query_range';
  const response = await fetch(
    `${picture.prometheus}/api/v1/${page}?${parameters}`,
  );
  const answer = await response.json();
  if (answer.status !== 'success') {
    throw new Error(`${target.expr}: ${answer.error}`);
  }
  const { result, resultType } = answer.data;
  switch (resultType) {
    case 'matrix':
      return result;
    case 'vector':
      return result.map(({ metric, value }: any) => ({
        metric,
        values: [value],
      }));
    case 'scalar':
      return [{ metric: {}, values: [result] }];
    default:
      throw new Error(`${target.expr}: a ${resultType} is not drawn`);
  }
}

function seriesName(target: Target, labels: Labels): string {
  if (target.legendFormat === '') return JSON.stringify(labels);
  return target.legendFormat.replace(
    /\{\{\s*(\w+)\s*\}\}/g,
    (_, label) => labels[label] ?? '',
  );
}

function timeField(values: Series['values'], picture: Picture): Field {
  return {
    name: 'Time',
    type: FieldType.time,
    values: values.map(([seconds]) => seconds * 1000),
    config: { interval: stepSeconds(picture) * 1000 },
  };
}

function seriesFrame(
  target: Target,
  series: Series,
  picture: Picture,
): DataFrame {
  const name = seriesName(target, series.metric);
  return createDataFrame({
    refId: target.refId,
    name,
    meta: { type: DataFrameType.TimeSeriesMulti },
    fields: [
      timeField(series.values, picture),
      {
        name: 'Value',
        type: FieldType.number,
        labels: series.metric,
        values: series.values.map(([, value]) => Number(value)),
        config: { displayNameFromDS: name },
      },
    ],
  });
}

/** A row a series: the time, a column a label, and the value. */
function tableFrame(
  target: Target,
  all: Series[],
  alone: boolean,
  picture: Picture,
): DataFrame {
  const labels = [...new Set(all.flatMap(({ metric }) => Object.keys(metric)))];
  const last = all.map(({ values }) => values[values.length - 1]!);
  return createDataFrame({
    refId: target.refId,
    fields: [
      timeField(last, picture),
      ...labels.sort().map((label) => ({
        name: label,
        type: FieldType.string,
        values: all.map(({ metric }) => metric[label] ?? ''),
      })),
      {
        name: alone ? 'Value' : `Value #${target.refId}`,
        type: FieldType.number,
        values: last.map(([, value]) => Number(value)),
      },
    ],
  });
}

function upperEdge(series: Series): number {
  return Number((series.metric.le ?? '').replace('+Inf', 'Infinity'));
}

/** Buckets, each without what is in the ones below it. */
function apart(all: Series[]): Series[] {
  const buckets = [...all].sort((a, b) => upperEdge(a) - upperEdge(b));
  const below = new Map<number, number>();
  return buckets.map(({ metric, values }) => ({
    metric,
    values: values.map(([seconds, value]) => {
      const upTo = Number(value);
      const here = Math.max(0, upTo - (below.get(seconds) ?? 0));
      below.set(seconds, upTo);
      return [seconds, String(here)];
    }),
  }));
}

/** The frames of all targets of a panel, as they are before transformations. */
export async function framesOf(
  panel: PanelModel,
  picture: Picture,
): Promise<DataFrame[]> {
  const targets = panel.targets ?? [];
  const answers = await Promise.all(
    targets.map(async (target) => {
      const all = await ask(target, picture);
      if (all.length === 0) return [];
      if (target.format === 'table') {
        return [tableFrame(target, all, targets.length === 1, picture)];
      }
      const shown = target.format === 'heatmap' ? apart(all) : all;
      return shown.map((series) => seriesFrame(target, series, picture));
    }),
  );
  return answers.flat();
}
