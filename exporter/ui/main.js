// The page: asks, keeps and shows.
//
//   /metrics                 every second: charts and key figures
//   /debug/channels          every 2 seconds, while the page is visible
//   /debug/leaks             every 5 seconds, while the page is visible
//   /debug/memory            every 10 seconds, while the report is open and
//                            visible: the process walks over its mappings
//
// None while paused. /metrics also tells whether the server is there; while it
// is not, nothing else is asked for.

import {Chart} from './chart.js';
import {CHARTS} from './chart_list.js';
import {element} from './dom.js';
import {readFigures} from './figures.js';
import {duration} from './format.js';
import {History} from './history.js';
import {KeyFigures} from './key_figures.js';
import {Poll} from './poll.js';
import {ChannelTable, LeakTable} from './tables.js';

const KEEP_MS = 15 * 60 * 1000;

const byId = (id) => document.getElementById(id);
byId('live').hidden = false;  // charts are measured as they are made
const history = new History(KEEP_MS);
const charts = CHARTS.map((spec) => new Chart(byId('charts'), spec));
const keyFigures = new KeyFigures(byId('key-figures'));
const channels = new ChannelTable(byId('channels'));
const leaks = new LeakTable(byId('leaks'));
let paused = false;
let connected = false;

const visible = () => document.visibilityState === 'visible';
const wanted = () => connected && visible() && !paused;

function say(text) {
  if (byId('status').textContent !== text) byId('status').textContent = text;
}

function draw() {
  if (!history.latest || !visible()) return;
  const allocator = byId('allocator').value;
  keyFigures.update(history.latest, allocator);
  for (const chart of charts) chart.draw(history, allocator);
}

// Offers a choice as soon as there is one.
function offerAllocators(names) {
  const choice = byId('allocator');
  const offered = [...choice.options].slice(1).map(({value}) => value);
  byId('allocator-choice').hidden = names.length < 2;
  if (names.join('\n') === offered.join('\n')) return;
  const chosen = choice.value;
  choice.replaceChildren(
      choice.options[0],
      ...names.map((name) => element('option', {value: name}, name)));
  choice.value = names.includes(chosen) ? chosen : '';
}

const metrics = new Poll({
  url: '/metrics',
  everyMs: 1000,
  wanted: () => !paused,
  take: (text) => {
    const figures = readFigures(text, Date.now());
    history.add(figures);
    offerAllocators(figures.allocatorNames);
    byId('retry').hidden = true;
    if (!connected) {
      connected = true;
      pokeAll();
    }
    if (!paused) say('Live');
    draw();
  },
  fail: (reason, nextMs) => {
    connected = false;
    byId('retry').hidden = paused;
    if (paused) return;
    say(`No answer from the server (${reason}); asking again in ` +
        `${duration(nextMs / 1000)}.`);
  },
});

const polls = [
  metrics,
  new Poll({
    url: '/debug/channels?format=json&top=10',
    everyMs: 2000,
    wanted,
    take: (text) => channels.update(JSON.parse(text)),
    fail: (reason) => channels.say(`No answer (${reason}).`),
  }),
  new Poll({
    url: '/debug/leaks?format=json',
    everyMs: 5000,
    wanted,
    take: (text) => leaks.update(JSON.parse(text)),
    fail: (reason) => leaks.say(`No answer (${reason}).`),
  }),
  new Poll({
    url: '/debug/memory?scale=KB',
    everyMs: 10_000,
    wanted: () => wanted() && byId('report').open,
    take: (text) => {
      byId('report-text').textContent = text;
    },
    fail: (reason) => {
      byId('report-text').textContent = `No answer (${reason}).`;
    },
  }),
];

function pokeAll() {
  for (const poll of polls) poll.poke();
}

byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').textContent = paused ? 'Resume' : 'Pause';
  byId('retry').hidden = true;
  say(paused ? 'Paused' : 'Resuming');
  pokeAll();
});
byId('retry').addEventListener('click', () => metrics.retry());
byId('allocator').addEventListener('change', draw);
byId('report').addEventListener('toggle', pokeAll);
document.addEventListener('visibilitychange', () => {
  draw();
  pokeAll();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of charts) chart.rebuild();
});
pokeAll();
