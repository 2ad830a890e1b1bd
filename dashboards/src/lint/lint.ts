// Runs every rule over dashboards, and says what they found.
import { Dashboard } from './model.js';
import { DASHBOARD_RULES } from './dashboard_rules.js';
import { PANEL_RULES } from './panel_rules.js';
import { QUERY_RULES } from './query_rules.js';
import { Rule } from './rule.js';

export const RULES: Rule[] = [
  ...DASHBOARD_RULES,
  ...PANEL_RULES,
  ...QUERY_RULES,
];

export interface Finding {
  rule: string;
  where: string;
  what: string;
}

/** What the rules find in dashboards, which are also held to each other. */
export function lint(dashboards: Dashboard[]): Finding[] {
  const findings: Finding[] = [];
  const uids = new Set<string>();
  for (const dashboard of dashboards) {
    const uid = dashboard.uid ?? '(no uid)';
    for (const rule of RULES) {
      for (const what of rule.check(dashboard)) {
        findings.push({ rule: rule.name, where: uid, what });
      }
    }
    if (uids.has(uid)) {
      findings.push({
        rule: 'uid-rule',
        where: uid,
        what: 'another dashboard has the same uid',
      });
    }
    uids.add(uid);
  }
  return findings;
}
