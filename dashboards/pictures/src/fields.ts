// Grafana's field options and transformations, as far as the dashboards use
// them: the library has the machinery, and a server registers what goes in.
import {
  applyFieldOverrides,
  DataFrame,
  FieldConfigOptionsRegistry,
  FieldConfigPropertyItem,
  FieldConfigSource,
  getFieldDisplayValues,
  FieldDisplay,
  GrafanaTheme2,
  identityOverrideProcessor,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';
import { PanelModel } from './picture';

export const TIME_ZONE = 'utc';

const STANDARD = [
  'unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'thresholds',
  'mappings', 'color',
];
const CUSTOM = [
  'drawStyle', 'lineInterpolation', 'lineStyle', 'lineWidth', 'fillOpacity',
  'gradientMode', 'showPoints', 'pointSize', 'spanNulls', 'stacking',
  'thresholdsStyle', 'axisPlacement', 'axisLabel', 'axisColorMode',
  'axisBorderShow', 'axisSoftMax', 'barAlignment', 'barWidthFactor',
  'scaleDistribution', 'hideFrom', 'align', 'width', 'inspect', 'filterable',
  'cellOptions',
];

// What the panel types have for options that a dashboard leaves out.
const CUSTOM_DEFAULTS: Readonly<Record<string, Record<string, unknown>>> = {
  timeseries: {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: 'none',
    showPoints: 'auto',
    pointSize: 5,
    spanNulls: false,
    stacking: { mode: 'none', group: 'A' },
    thresholdsStyle: { mode: 'off' },
    axisPlacement: 'auto',
    axisLabel: '',
    barAlignment: 0,
    barWidthFactor: 0.6,
    scaleDistribution: { type: 'linear' },
    hideFrom: { legend: false, tooltip: false, viz: false },
  },
  table: { align: 'auto', inspect: false, cellOptions: { type: 'auto' } },
};

function item(path: string, isCustom: boolean): FieldConfigPropertyItem {
  return {
    id: isCustom ? `custom.${path}` : path,
    path,
    name: path,
    isCustom,
    process: identityOverrideProcessor,
    shouldApply: () => true,
    editor: () => null,
    override: () => null,
    settings: {},
  };
}

standardFieldConfigEditorRegistry.setInit(() =>
  STANDARD.map((path) => item(path, false)),
);

standardTransformersRegistry.setInit(() =>
  [
    standardTransformers.mergeTransformer,
    standardTransformers.filterFieldsByNameTransformer,
    standardTransformers.organizeFieldsTransformer,
  ].map((transformer) => ({
    id: transformer.id,
    name: transformer.name,
    transformation: async () => transformer,
    editor: () => null,
    imageDark: '',
    imageLight: '',
  })),
);

const registry = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map((path) => item(path, false)),
  ...CUSTOM.map((path) => item(path, true)),
]);

function configOf(panel: PanelModel): FieldConfigSource {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const custom = { ...CUSTOM_DEFAULTS[panel.type], ...defaults.custom };
  return { defaults: { ...defaults, custom }, overrides };
}

const asIs = (text: string): string => text;

/** The frames as the panel shows them: transformed, with units and colours. */
export async function dress(
  panel: PanelModel,
  frames: DataFrame[],
  theme: GrafanaTheme2,
): Promise<DataFrame[]> {
  for (const { id } of panel.transformations ?? []) {
    if (standardTransformersRegistry.getIfExists(id) === undefined) {
      throw new Error(`the transformation ${id} is not drawn`);
    }
  }
  const transformed = await lastValueFrom(
    transformDataFrame(panel.transformations ?? [], frames),
  );
  return applyFieldOverrides({
    data: transformed,
    fieldConfig: configOf(panel),
    fieldConfigRegistry: registry,
    replaceVariables: asIs,
    theme,
    timeZone: TIME_ZONE,
  });
}

/** One value a series, as numbers and bars show it. */
export function valuesOf(
  panel: PanelModel,
  frames: DataFrame[],
  theme: GrafanaTheme2,
): FieldDisplay[] {
  return getFieldDisplayValues({
    fieldConfig: configOf(panel),
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: asIs,
    theme,
    data: frames,
    sparkline: panel.options.graphMode === 'area',
    timeZone: TIME_ZONE,
  });
}
