// A rule of the lint, and the short ways to write one.
import { Dashboard, Panel, showsData, Target } from './model.js';
import { Node, parse } from './promql.js';

export interface Rule {
  name: string;
  /** Returns what is wrong, a sentence each. */
  check(dashboard: Dashboard): string[];
}

/** One thing that is wrong, or nothing. */
export type Verdict = string | undefined;

/** A rule about each panel that shows data. */
export function panelRule(
  name: string,
  check: (panel: Panel, dashboard: Dashboard) => Verdict,
): Rule {
  return {
    name,
    check: (dashboard) =>
      dashboard.panels.filter(showsData).flatMap((panel) => {
        const what = check(panel, dashboard);
        return what === undefined ? [] : [`panel '${panel.title}' ${what}`];
      }),
  };
}

/** A query, in the place where it stands. */
export interface Asked {
  target: Target;
  tree: Node;
  panel: Panel;
  dashboard: Dashboard;
}

/** A rule about each query of each panel. */
export function queryRule(
  name: string,
  check: (asked: Asked) => Verdict,
): Rule {
  return {
    name,
    check: (dashboard) =>
      dashboard.panels.flatMap((panel) =>
        (panel.targets ?? []).flatMap((target) => {
          const tree = parse(target.expr ?? '');
          const what = check({ target, tree, panel, dashboard });
          return what === undefined
            ? []
            : [`panel '${panel.title}', query ${target.refId}: ${what}`];
        }),
      ),
  };
}

/** A rule about the dashboard as a whole. */
export function dashboardRule(
  name: string,
  check: (dashboard: Dashboard) => Verdict,
): Rule {
  return {
    name,
    check: (dashboard) => {
      const what = check(dashboard);
      return what === undefined ? [] : [what];
    },
  };
}
