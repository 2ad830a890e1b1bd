// All dashboards, in the order of the table in README.md.
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { backlog } from './dashboards/backlog.js';
import { chunks } from './dashboards/chunks.js';
import { directMemory } from './dashboards/direct_memory.js';
import { leaks } from './dashboards/leaks.js';
import { overview } from './dashboards/overview.js';
import { rss } from './dashboards/rss.js';
import { sidecar } from './dashboards/sidecar.js';
import { threadCaches } from './dashboards/thread_caches.js';
import { build, Page } from './frame.js';

export const PAGES: Page[] = [
  overview,
  directMemory,
  backlog,
  threadCaches,
  chunks,
  leaks,
  rss,
  sidecar,
];

/** Every dashboard, built, by its uid. */
export function buildAll(): Map<string, dashboard.Dashboard> {
  return new Map(PAGES.map((page) => [page.uid, build(page)]));
}

/** The text of a dashboard's file. */
export function render(built: dashboard.Dashboard): string {
  return `${JSON.stringify(built, null, 2)}\n`;
}
