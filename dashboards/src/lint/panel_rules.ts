// Rules about panels: what they say of themselves, and where they stand.
import { LIMITS } from '../thresholds.js';
import { Panel } from './model.js';
import { Rule, panelRule } from './rule.js';

const GRID_WIDTH = 24;
const DATASOURCE_UID = '${datasource}';

/** Rules of Grafana's dashboard-linter about panels. */
const LINTER_RULES: Rule[] = [
  panelRule('panel-datasource-rule', ({ datasource }) =>
    datasource?.uid === DATASOURCE_UID
      ? undefined
      : `does not ask ${DATASOURCE_UID}`,
  ),
  {
    name: 'panel-title-description-rule',
    check: ({ panels }) =>
      panels.flatMap(({ id, title = '', description = '' }) => {
        if (title.trim() === '') return [`panel ${id} has no title`];
        if (description.trim() === '') {
          return [`panel '${title}' has no description`];
        }
        return [];
      }),
  },
  panelRule('panel-units-rule', ({ fieldConfig }) =>
    fieldConfig?.defaults?.unit ? undefined : 'has no unit',
  ),
  panelRule('panel-no-targets-rule', ({ targets = [] }) =>
    targets.length > 0 ? undefined : 'asks for nothing',
  ),
];

function overlap(a: Panel, b: Panel): boolean {
  const [p, q] = [a.gridPos, b.gridPos];
  return (
    p.x < q.x + q.w && q.x < p.x + p.w && p.y < q.y + q.h && q.y < p.y + p.h
  );
}

function whole(panel: Panel): boolean {
  const { x, y, w, h } = panel.gridPos;
  return (
    [x, y, w, h].every(Number.isInteger) &&
    x >= 0 &&
    y >= 0 &&
    w > 0 &&
    h > 0 &&
    x + w <= GRID_WIDTH
  );
}

const OWN_RULES: Rule[] = [
  {
    name: 'panel-id-rule',
    check: ({ panels }) => {
      const ids = panels.map(({ id }) => id);
      return ids
        .filter((id, index) => !(id > 0) || ids.indexOf(id) !== index)
        .map((id) => `panel id ${id} is none, or another's`);
    },
  },
  {
    name: 'panel-title-unique-rule',
    check: ({ panels }) => {
      const titles = panels.map(({ title }) => title);
      return titles
        .filter((title, index) => titles.indexOf(title) !== index)
        .map((title) => `two panels are titled '${title}'`);
    },
  },
  {
    name: 'grid-rule',
    check: ({ panels }) => {
      const problems = panels
        .filter((panel) => !whole(panel))
        .map(({ title }) => `panel '${title}' is not within the 24 columns`);
      panels.forEach((panel, index) => {
        for (const other of panels.slice(index + 1)) {
          if (!overlap(panel, other)) continue;
          problems.push(`panels '${panel.title}', '${other.title}' overlap`);
        }
      });
      return problems;
    },
  },
  {
    // Whatever stands at one height fills the width.
    name: 'width-rule',
    check: ({ panels }) => {
      const widths = new Map<number, number>();
      for (const { gridPos } of panels) {
        widths.set(gridPos.y, (widths.get(gridPos.y) ?? 0) + gridPos.w);
      }
      return [...widths]
        .filter(([, width]) => width !== GRID_WIDTH)
        .map(([y, width]) => `the panels at ${y} are ${width} wide, not 24`);
    },
  },
  panelRule('threshold-rule', ({ targets = [], fieldConfig }) => {
    const asksForUse = targets.some(({ expr = '' }) =>
      /direct_memory_used_bytes{[^}]*} \/ \(?\w*direct_memory_limit/.test(expr),
    );
    const steps = fieldConfig?.defaults?.thresholds?.steps ?? [];
    return !asksForUse ||
      steps.some(({ value }) => value === LIMITS.near_limit_ratio)
      ? undefined
      : 'does not change colour where the alert fires';
  }),
];

export const PANEL_RULES: Rule[] = [...LINTER_RULES, ...OWN_RULES];
