// As much of a dashboard's JSON as the rules look at. It is what a file says,
// not what the builders promise: everything may be missing.

export interface Ref {
  type?: string;
  uid?: string;
}

export interface Target {
  refId?: string;
  expr?: string;
  legendFormat?: string;
  datasource?: Ref;
  format?: string;
}

export interface Step {
  value: number | null;
  color: string;
}

export interface Panel {
  id: number;
  type: string;
  title?: string;
  description?: string;
  datasource?: Ref;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
  options?: Record<string, unknown>;
  fieldConfig?: {
    defaults?: {
      unit?: string;
      thresholds?: { steps?: Step[] };
      custom?: Record<string, unknown>;
    };
  };
}

export interface Variable {
  name: string;
  type: string;
  label?: string;
  query?: string | { query?: string };
  datasource?: Ref;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  refresh?: number;
}

export interface Annotation {
  name?: string;
  expr?: string;
  datasource?: Ref;
  enable?: boolean;
  target?: Target;
}

export interface Link {
  type?: string;
  tags?: string[];
  keepTime?: boolean;
  includeVars?: boolean;
}

export interface Dashboard {
  id?: number | null;
  __inputs?: unknown;
  uid?: string;
  title?: string;
  description?: string;
  tags?: string[];
  editable?: boolean;
  graphTooltip?: number;
  schemaVersion?: number;
  links?: Link[];
  panels: Panel[];
  templating: { list: Variable[] };
  annotations: { list: Annotation[] };
}

/** A panel that shows data: neither words nor a heading. */
export function showsData(panel: Panel): boolean {
  return panel.type !== 'text' && panel.type !== 'row';
}

/** The PromQL of a query variable. */
export function variableQuery(variable: Variable): string {
  const { query } = variable;
  return typeof query === 'string' ? query : (query?.query ?? '');
}
