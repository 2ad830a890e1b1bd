// Has the compiler hold the dashboards' JSON to the types of @grafana/schema:
// the dashboard as a whole, and the options and fields of each panel by the
// type of the panel. The types are those of a later Grafana than the schema
// version, and know no numbers for enums; those are left to the lint.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fromHere } from './paths.js';
import { Dashboard, Panel } from './lint/model.js';

/** Panel types, and the name of their module in @grafana/schema. */
const MODULES: Readonly<Record<string, string>> = {
  bargauge: 'BarGauge',
  heatmap: 'Heatmap',
  stat: 'Stat',
  table: 'Table',
  text: 'Text',
  timeseries: 'TimeSeries',
};

/** Modules whose fields have a type of their own. */
const WITH_FIELDS = new Set(['heatmap', 'timeseries', 'table']);

// The compiler takes no value where a type asks for an enum; so enums are read
// as their values.
const PRELUDE = `// Written by the build; not to be kept.
import type { AnnotationQuery, Dashboard, DataQuery } from '@grafana/schema';

// The types know of an annotation what every data source has; these are of
// Prometheus.
type Annotation = Omit<AnnotationQuery, 'target'> & {
  expr: string;
  step: string;
  tagKeys: string;
  target: DataQuery & { expr: string };
  textFormat: string;
  titleFormat: string;
  useValueForTime: boolean;
};
type Checked = Values<Omit<Dashboard, 'annotations'>> & {
  annotations: { list: Values<Annotation>[] };
};

type Values<T> = T extends string
  ? \`\${T}\`
  : T extends number
    ? \`\${T}\` extends \`\${infer N extends number}\` ? N : T
    : T extends (infer E)[]
      ? Values<E>[]
      : T extends object
        ? { [K in keyof T]: Values<T[K]> }
        : T;
`;

function modulePath(type: string): string {
  const name = MODULES[type];
  if (name === undefined) throw new Error(`no types for panels '${type}'`);
  return (
    `@grafana/schema/dist/esm/raw/composable/${type}/panelcfg/x/` +
    `${name}PanelCfg_types.gen`
  );
}

function panelChecks(panel: Panel, name: string): string[] {
  const checks: string[] = [];
  const type = panel.type;
  checks.push(
    `export const ${name}_options: Values<Partial<${MODULES[type]}.Options>> ` +
      `= ${JSON.stringify(panel.options ?? {}, null, 2)};`,
  );
  if (WITH_FIELDS.has(type)) {
    const custom = panel.fieldConfig?.defaults?.custom ?? {};
    checks.push(
      `export const ${name}_custom: ` +
        `Values<Partial<${MODULES[type]}.FieldConfig>> = ` +
        `${JSON.stringify(custom, null, 2)};`,
    );
  }
  return checks;
}

/** Writes what `npm run types` compiles, into a folder below out/. */
export function writeTypeCheck(
  dashboards: Dashboard[],
  folder = fromHere('out/types'),
): void {
  mkdirSync(folder, { recursive: true });
  const lines = [PRELUDE];
  for (const [type, name] of Object.entries(MODULES)) {
    lines.push(`import type * as ${name} from '${modulePath(type)}';`);
  }
  dashboards.forEach((dashboard, d) => {
    lines.push(
      `export const dashboard_${d}: Checked = ` +
        `${JSON.stringify(dashboard, null, 2)};`,
    );
    dashboard.panels.forEach((panel) => {
      lines.push(...panelChecks(panel, `dashboard_${d}_panel_${panel.id}`));
    });
  });
  writeFileSync(`${folder}/dashboards.ts`, `${lines.join('\n')}\n`);
  writeFileSync(
    `${folder}/tsconfig.json`,
    `${JSON.stringify(
      {
        compilerOptions: {
          target: 'es2022',
          module: 'esnext',
          moduleResolution: 'bundler',
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          types: [],
        },
        files: ['dashboards.ts'],
      },
      null,
      2,
    )}\n`,
  );
}
