// Takes the pictures of docs/pictures. `./dev pictures` builds what this needs
// and runs it.
//
//   pictures.js --demo=PROGRAM [--dashboard=UID] [--seconds=N] [--out=FOLDER]

import {mkdir, mkdtemp, readFile, rm, stat} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join, relative} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';

import {DASHBOARDS, SERVICES, STORIES} from './plan.js';
import {
  endAll, SCRAPE_SECONDS, startDemo, startPrometheus,
} from './services.js';
import {Studio} from './studio.js';

const DASHBOARD_WIDTH = 1600;
const STORY_WIDTH = 1200;
const LARGEST_BYTES = 200 << 10;

const own = dirname(dirname(fileURLToPath(import.meta.url)));
const tree = join(own, '../..');

const {values: flags} = parseArgs({
  options: {
    demo: {type: 'string'},
    dashboard: {type: 'string'},
    seconds: {type: 'string', default: '210'},
    out: {type: 'string', default: join(tree, 'docs/pictures')},
  },
});

function say(words) {
  console.log(`pictures: ${words}`);
}

/** What is to be taken: files with what is in them. */
function shots() {
  const list = [];
  for (const [uid, {job}] of Object.entries(DASHBOARDS)) {
    for (const theme of ['dark', 'light']) {
      const file = theme === 'dark' ? uid : `${uid}-light`;
      list.push({file, uid, job, theme, width: DASHBOARD_WIDTH});
    }
  }
  for (const [name, {dashboard, job, panels}] of Object.entries(STORIES)) {
    list.push({
      file: `${name}-scenario`,
      uid: dashboard,
      job,
      panels,
      theme: 'dark',
      width: STORY_WIDTH,
    });
  }
  if (flags.dashboard === undefined) return list;
  const chosen = list.filter(({uid}) => uid === flags.dashboard);
  if (chosen.length === 0) {
    throw new Error(`no dashboard '${flags.dashboard}'; there are ` +
                    Object.keys(DASHBOARDS).join(', '));
  }
  return chosen;
}

/** Starts the services of these jobs, and what watches them. */
async function startServices(jobs, folder) {
  const targets = [];
  for (const {job, instances, flags: demoFlags} of SERVICES) {
    if (!jobs.has(job)) continue;
    for (let n = 1; n <= instances; ++n) {
      const port = await startDemo(
          flags.demo, ['--walk_interval=1s', ...demoFlags]);
      targets.push({job, instance: `${job}-${n}`, port});
    }
    say(`the demo runs: ${demoFlags.join(' ')}` +
        (instances > 1 ? `, ${instances} times` : ''));
  }
  const rules = join(tree, 'dashboards/rules');
  const url = await startPrometheus(targets, rules, folder);
  say(`Prometheus scrapes ${targets.length} of them`);
  return url;
}

/**
 * The first moment from `soonest` on that is shortly before a half minute: an
 * axis of time that ended at a round time would have its last label cut.
 */
function endAfter(soonest) {
  const wanted = 27;
  return soonest + (wanted + 30 - soonest % 30) % 30;
}

/** Takes them with `studio`. */
async function take(list, studio, folder) {
  // The overview shows all of them.
  const everything = list.some(({job}) => job === undefined);
  const jobs = new Set(
      everything ? SERVICES.map(({job}) => job) : list.map(({job}) => job));
  const prometheus = await startServices(jobs, folder);
  const from = Date.now() / 1000;
  const to = endAfter(from + Number(flags.seconds));
  while (Date.now() / 1000 < to) {
    say(`${Math.ceil(to - Date.now() / 1000)} s until there is enough to show`);
    await sleep(Math.min(15, Math.max(0, to - Date.now() / 1000)) * 1000);
  }

  await mkdir(flags.out, {recursive: true});
  for (const {file, uid, job, panels, theme, width} of list) {
    const path = join(tree, 'dashboards/json', `${uid}.json`);
    const picture = {
      dashboard: JSON.parse(await readFile(path, 'utf8')),
      panels,
      theme,
      width,
      prometheus,
      variables: job === undefined ? {} : {job},
      from,
      to,
      scrapeSeconds: SCRAPE_SECONDS,
    };
    const target = join(flags.out, `${file}.png`);
    const empty = await studio.take(picture, target);
    const {size} = await stat(target);
    const gaps =
        empty.length > 0 ? `; nothing to show in: ${empty.join('; ')}` : '';
    say(`${relative(tree, target)}, ${Math.ceil(size / 1024)} KiB${gaps}`);
    if (size > LARGEST_BYTES) say(`${file}.png is larger than 200 KiB`);
  }
}

let folder;

async function clean() {
  await endAll();
  if (folder) await rm(folder, {recursive: true, force: true});
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    say('interrupted');
    await clean();
    process.exit(130);
  });
}

try {
  const list = shots();
  // First: without a browser, the minutes of the services are for nothing.
  const studio = await Studio.open(own);
  try {
    folder = await mkdtemp(join(tmpdir(), 'poolscope-pictures-'));
    await take(list, studio, folder);
  } finally {
    await studio.close();
  }
} catch (error) {
  console.error(`pictures: ${error.message}`);
  process.exitCode = 1;
} finally {
  await clean();
}
