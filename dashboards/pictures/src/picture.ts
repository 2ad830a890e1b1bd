// What is to be drawn, as the program that drives the browser hands it over.
// A dashboard is read as it is committed; only what the pictures need of it has
// a type here.
import type {
  DataFrame,
  DataTransformerConfig,
  FieldConfigSource,
  GrafanaTheme2,
  TimeRange,
} from '@grafana/data';

export interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
  instant?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
}

export interface PanelModel {
  id: number;
  type: string;
  title: string;
  description: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
  transformations?: DataTransformerConfig[];
  fieldConfig?: FieldConfigSource;
  options: Record<string, any>;
}

/** What a panel is drawn from. */
export interface PanelProps {
  panel: PanelModel;
  frames: DataFrame[];
  theme: GrafanaTheme2;
  timeRange: TimeRange;
  width: number;
  height: number;
}

export interface Dashboard {
  uid: string;
  title: string;
  panels: PanelModel[];
  templating: { list: Array<{ name: string; allValue?: string }> };
}

export interface Picture {
  dashboard: Dashboard;
  /** The titles of the panels to draw, in this order; all when left out. */
  panels?: string[];
  theme: 'dark' | 'light';
  width: number;
  prometheus: string;
  /** Values of variables; the others are All. */
  variables: Record<string, string>;
  /** In seconds since 1970. */
  from: number;
  to: number;
  scrapeSeconds: number;
}
