// The page at / in a browser, over a demo that is under way.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launch, openLivePage, openPage} from './browser.js';
import {Demo} from './demo.js';

const CHARTS =
    ['direct-memory', 'chunks', 'hit-ratio', 'backlog', 'native-memory'];

let browser;
let demo;

before(async () => {
  demo = await Demo.start('--rate=500');
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

// Of the page as it was served, whatever scripts make of it.
async function links(page) {
  return page.$$eval('a[href]', (all) => all.map(({href}) => href));
}

test('every chart is drawn again as time goes on', async () => {
  const page = await openLivePage(browser, demo.url);
  const pixels = () => page.$$eval(
      'figure', (figures) => Object.fromEntries(figures.map((figure) => [
        figure.id,
        [...figure.querySelectorAll('canvas')].map((c) => c.toDataURL()).join(),
      ])));
  const first = await pixels();
  assert.deepEqual(Object.keys(first).sort(), [...CHARTS].sort());
  await page.waitForFunction((before) => {
    return [...document.querySelectorAll('figure')].every(
        (figure) => before[figure.id] !==
            [...figure.querySelectorAll('canvas')]
                .map((c) => c.toDataURL())
                .join());
  }, first, {timeout: 15_000, polling: 500});
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test('the legend has the figures of the demo', async () => {
  const page = await openLivePage(browser, demo.url);
  const legend = (id) => page.$$eval(
      `#${id} .legend li`,
      (items) => items.map(({textContent}) => textContent));
  assert.match((await legend('direct-memory'))[0], /^used \d+(\.\d+)? MiB$/);
  assert.deepEqual(
      (await legend('chunks')).map((text) => text.split(' ')[0]),
      ['qinit', 'q000', 'q025', 'q050', 'q075', 'q100']);
  await page.waitForFunction(
      () => /^hits \d+(\.\d)? %$/.test(
          document.querySelector('#hit-ratio .legend li').textContent));
  await page.waitForFunction(
      () => document.querySelector('#native-memory .legend')
                .textContent.includes('Code'));
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test('every link works, and actions are no links', async () => {
  const page = await openLivePage(browser, demo.url);
  const targets = new Set(await links(page));
  assert.ok(targets.size >= 9, [...targets].join(' '));
  for (const target of targets) {
    const response = await page.request.get(target);
    assert.equal(response.status(), 200, target);
    assert.ok(target.startsWith(`${demo.url}/`), target);
  }
  const pages = await page.textContent('#pages');
  for (const action of ['/-/trim', '/-/baseline', '/-/leak-level']) {
    assert.ok(pages.includes(`POST ${action}`), action);
    assert.ok(!targets.has(demo.url + action), action);
  }
  await page.close();
});

test('without scripts the pages are listed', async () => {
  const live = await openLivePage(browser, demo.url);
  const plain = await openPage(browser, demo.url, {javaScriptEnabled: false});
  const listed = (page) => page.textContent('#pages');
  assert.equal(await listed(plain), await listed(live));
  assert.ok(await plain.isVisible('#pages'));
  assert.ok(await plain.isVisible('noscript'));
  assert.ok(!await plain.isVisible('#live'));
  assert.deepEqual(plain.complaints, []);
  await live.close();
  await plain.close();
});

test('arrow keys read the values of a moment', async () => {
  const page = await openLivePage(browser, demo.url);
  const plot = page.locator('#direct-memory .plot');
  const moment = () => page.textContent('#direct-memory .moment');
  assert.equal(await moment(), 'now');
  await plot.focus();
  await page.keyboard.press('Home');
  const first = await moment();
  assert.match(first, /^\d\d:\d\d:\d\d$/);
  assert.match(
      await plot.getAttribute('aria-valuetext'),
      new RegExp(`^${first}: used .* [KM]iB, pinned .*, cached .*, limit .*`));
  // What is chosen stays while figures come in.
  const asked = page.asked.length;
  while (page.asked.length < asked + 5) await page.waitForEvent('response');
  assert.equal(await moment(), first);
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await plot.getAttribute('aria-valuenow'), '0');
  await page.keyboard.press('Escape');
  assert.equal(await moment(), 'now');
  await page.close();
});

test('pointing at a chart reads the values of a moment', async () => {
  const page = await openLivePage(browser, demo.url);
  const box = await page.locator('#chunks .plot').boundingBox();
  await page.mouse.move(box.x + box.width - 20, box.y + box.height / 2);
  await page.waitForFunction(
      () => /^\d\d:\d\d:\d\d$/.test(
          document.querySelector('#chunks .moment').textContent));
  await page.mouse.move(0, 0);
  await page.waitForFunction(
      () => document.querySelector('#chunks .moment').textContent === 'now');
  await page.close();
});

test('nothing is asked for while paused', async () => {
  const page = await openLivePage(browser, demo.url);
  await page.click('#pause');
  assert.equal(await page.textContent('#status'), 'Paused');
  // What was under way may still end.
  await page.waitForLoadState('networkidle');
  const asked = page.asked.length;
  // Two of its seconds, by the browser's own clock.
  await page.evaluate(() => new Promise((done) => setTimeout(done, 2500)));
  assert.equal(page.asked.length, asked);
  await page.click('#pause');
  await page.waitForRequest((request) => request.url().endsWith('/metrics'));
  await page.waitForFunction(
      () => document.querySelector('#status').textContent === 'Live');
  await page.close();
});

test('the process walks for the report only while it is open', async () => {
  const page = await openLivePage(browser, demo.url);
  const walks = () =>
      page.asked.filter((path) => path.startsWith('/debug/memory'));
  assert.deepEqual(walks(), []);
  await page.click('#report summary');
  await page.waitForFunction(
      () => document.querySelector('#report-text')
                .textContent.includes('Native Memory Tracking:'));
  assert.equal(walks().length, 1);
  assert.deepEqual(page.complaints, []);
  await page.close();
});
