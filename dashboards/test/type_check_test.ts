// The check by types lets the dashboards pass, and not a broken one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { buildAll, render } from '../src/catalogue.js';
import { Dashboard, Panel } from '../src/lint/model.js';
import { fromHere } from '../src/paths.js';
import { writeTypeCheck } from '../src/type_check.js';

function overview(): Dashboard {
  const built = buildAll().get('poolscope-overview');
  assert(built !== undefined);
  return JSON.parse(render(built));
}

function graph({ panels }: Dashboard): Panel {
  const found = panels.find(({ type }) => type === 'timeseries');
  assert(found !== undefined);
  return found;
}

/** What the compiler says of a dashboard. */
function complaints(dashboard: Dashboard, name: string): string {
  const folder = fromHere(`out/types-${name}`);
  writeTypeCheck([dashboard], folder);
  const tsc = fromHere('node_modules/typescript/bin/tsc');
  const run = spawnSync(process.execPath, [tsc, '--project', folder], {
    encoding: 'utf8',
  });
  assert.equal(run.error, undefined);
  return run.stdout + run.stderr;
}

test('a dashboard as it is built passes', () => {
  assert.equal(complaints(overview(), 'whole'), '');
});

test('an option that a panel does not have is refused', () => {
  const dashboard = overview();
  const options = graph(dashboard).options ?? {};
  options.legend = { displayMode: 'tables', calcs: [], placement: 'bottom' };
  assert.match(complaints(dashboard, 'option'), /"tables"/);
});

test('a field that the dashboard does not have is refused', () => {
  const dashboard = overview();
  Object.assign(dashboard, { tooltip: 1 });
  assert.match(complaints(dashboard, 'field'), /tooltip/);
});
