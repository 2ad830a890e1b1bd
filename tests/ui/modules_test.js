// The modules of the page that draw nothing, as the server serves them.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launch, openPage} from './browser.js';
import {Demo} from './demo.js';

let browser;
let demo;
let page;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  page = await openPage(browser, demo.url);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

test('an exposition is read with its labels and escapes', async () => {
  const families = await page.evaluate(async (text) => {
    const {parseExposition} = await import('/ui/exposition.js');
    const found = parseExposition(text, ['a_bytes', 'b', 'absent']);
    return [...found].map(([name, samples]) => [
      name,
      samples.map(({labels, value}) => [[...labels], String(value)]),
    ]);
  }, [
    '# HELP a_bytes Text with {braces="1"} 5',
    '# TYPE a_bytes gauge',
    'a_bytes{x="one",y="a \\"b\\", \\\\n \\n}"} 12638251008',
    'a_bytes{x="",y=","} 1.5e+06',
    'a_bytes_more 3',
    'b 7',
    'b +Inf',
    '',
  ].join('\n'));
  assert.deepEqual(families, [
    ['a_bytes', [
      [[['x', 'one'], ['y', 'a "b", \\n \n}']], '12638251008'],
      [[['x', ''], ['y', ',']], '1500000'],
    ]],
    ['b', [[[], '7'], [[], 'Infinity']]],
    ['absent', []],
  ]);
});

test('numbers are written in units that people read', async () => {
  const written = (name, values) => page.evaluate(
      async ([chosen, numbers]) => {
        const format = await import('/ui/format.js');
        return numbers.map((number) => format[chosen](number));
      },
      [name, values]);
  assert.deepEqual(
      await written(
          'bytes',
          [null, 0, 1, 1023, 1024, 1536, 1024 ** 2 - 1, 12345678, 1024 ** 3]),
      ['–', '0 B', '1 B', '1023 B', '1 KiB', '1.5 KiB', '1 MiB', '11.8 MiB',
       '1 GiB']);
  assert.deepEqual(
      await written('percent', [null, 0, 0.5, 0.99951, 1, 0.12345]),
      ['–', '0 %', '50 %', '99.9 %', '100 %', '12.3 %']);
  assert.deepEqual(
      await written('duration', [null, 0, 0.0123, 1, 99.9, 100, 7200, 864000]),
      ['–', '0 s', '12.3 ms', '1 s', '99.9 s', '2 min', '2 h', '10 days']);
  assert.deepEqual(
      await written('count', [null, 0, 1234567]), ['–', '0', '1,234,567']);
});

test('figures are added up by allocator', async () => {
  const figures = await page.evaluate(async (text) => {
    const {readFigures} = await import('/ui/figures.js');
    const read = readFigures(text, 5);
    const some = ({used, q100, inUse, leaked, suspect}) =>
        ({used, q100, inUse, leaked, suspect});
    return {
      all: some(read.allocator('')),
      two: some(read.allocator('two')),
      unknown: some(read.allocator('three')),
      names: read.allocatorNames,
      pending: read.pending,
      largest: read.largestChannel,
      native: read.native,
      time: read.time,
    };
  }, `
poolscope_direct_memory_used_bytes{allocator="one"} 10
poolscope_direct_memory_used_bytes{allocator="two"} 5
poolscope_arena_pinned_bytes{allocator="one",arena="0"} 1
poolscope_arena_pinned_bytes{allocator="one",arena="1"} 2
poolscope_arena_pinned_bytes{allocator="two",arena="0"} 4
poolscope_huge_used_bytes{allocator="two"} 100
poolscope_chunks{allocator="one",arena="0",list="q100"} 2
poolscope_chunks{allocator="one",arena="0",list="q075"} 9
poolscope_chunks{allocator="two",arena="0",list="q100"} 3
poolscope_leaks_total{allocator="two",verdict="suspect"} 6
poolscope_outbound_pending_bytes{group="a"} 7
poolscope_outbound_pending_bytes{group="b"} 8
poolscope_outbound_max_channel_pending_bytes{group="a"} 7
poolscope_outbound_max_channel_pending_bytes{group="b"} 3
`);
  const none =
      {used: null, q100: null, inUse: null, leaked: null, suspect: null};
  assert.deepEqual(figures, {
    all: {used: 15, q100: 5, inUse: 107, leaked: null, suspect: 6},
    two: {used: 5, q100: 3, inUse: 104, leaked: null, suspect: 6},
    unknown: none,
    names: ['one', 'two'],
    pending: 15,
    largest: 7,
    native: null,
    time: 5,
  });
});

test('history forgets what is too old, and all when time goes back',
     async () => {
       const times = await page.evaluate(async () => {
         const {History} = await import('/ui/history.js');
         const history = new History(10);
         const kept = () => history.figures.map(({time}) => time);
         const states = [];
         for (const time of [0, 5, 10, 11, 100, 50]) {
           history.add({time});
           states.push(kept());
         }
         return states;
       });
       assert.deepEqual(
           times,
           [[0], [0, 5], [0, 5, 10], [5, 10, 11], [100], [50]]);
     });

test('small owners of native memory are drawn as one', async () => {
  const names = await page.evaluate(async () => {
    const {nativeMemorySeries} = await import('/ui/native_memory_series.js');
    const series = (...categories) => {
      const history = {figures: categories.map((each) => ({native: each}))};
      return nativeMemorySeries(history).map((one) => [
        one.name, one.read({native: categories.at(-1), resident: 9}),
      ]);
    };
    return [
      series(null),
      series(new Map([['Code', 100], ['Mine', 50]])),
      series(new Map([['Code', 99], ['Mine', 1], ['Unknown', 0]])),
      // Once large, it keeps its area.
      series(new Map([['Code', 1], ['Mine', 99]]),
             new Map([['Code', 1], ['Mine', 0]])),
    ];
  });
  assert.deepEqual(names, [
    [['resident now', 9]],
    [['Code', 100], ['Mine', 50], ['resident now', 9]],
    [['Code', 99], ['others', 1], ['resident now', 9]],
    [['Mine', 0], ['others', 1], ['resident now', 9]],
  ]);
});
