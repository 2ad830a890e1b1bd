// The page at / when the server goes, or says what it should not.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launch, openLivePage, openPage} from './browser.js';
import {Demo} from './demo.js';

const MARKUP = '<img src=x onerror="document.title=\'taken\'">';

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

function status(page, pattern) {
  return page.waitForFunction(
      ([source]) => new RegExp(source).test(
          document.querySelector('#status').textContent),
      [pattern.source]);
}

test('a server that is gone is one line, and no flood', async () => {
  const first = await Demo.start();
  const page = await openLivePage(browser, first.url);
  await first.stop();
  await status(page, /^No answer from the server \(.*\); asking again in/);
  await status(page, /asking again in 4 s/);
  assert.ok(page.complaints.length <= 6, page.complaints.join('\n'));

  const port = new URL(first.url).port;
  const second = await Demo.start(`--listen=127.0.0.1:${port}`);
  await page.click('#retry');
  await status(page, /^Live$/);
  assert.ok(!await page.isVisible('#retry'));
  await page.close();
  await second.stop();
});

test('an answer that cannot be read is asked for again', async () => {
  const demo = await Demo.start();
  let readable = false;
  const page = await openLivePage(browser, demo.url, {
    prepare: (unloaded) => unloaded.route(
        /\/debug\/(channels|leaks)\?/,
        (route) => readable ? route.continue() :
                              route.fulfill({body: '<p>Log in</p>'})),
  });
  const says = (id, pattern) => page.waitForFunction(
      ([selector, source]) => new RegExp(source).test(
          document.querySelector(selector).textContent),
      [`#${id}`, pattern.source]);
  await says('channels', /^No answer \(.*JSON.*\)/);
  await says('leaks', /^No answer \(.*JSON.*\)/);
  readable = true;
  await says('channels', /No channel has pending bytes|Name/);
  await says('leaks', /None was found|Verdict/);
  assert.ok(page.complaints.every((each) => /JSON/.test(each)),
            page.complaints.join('\n'));
  await page.close();
  await demo.stop();
});

test('of a page of errors one line is shown', async () => {
  const demo = await Demo.start();
  const page = await openPage(browser, demo.url, {
    prepare: (unloaded) => unloaded.route(
        '**/metrics', (route) => route.fulfill({
          status: 502,
          body: `${'wrong '.repeat(1000)}\n<p>more</p>`,
        })),
  });
  await status(page, /^No answer from the server \(502: wrong .*\); asking/);
  const shown = await page.textContent('#status');
  assert.ok(shown.length < 300, String(shown.length));
  assert.ok(!shown.includes('more'));
  await page.close();
  await demo.stop();
});

test('text of the process is no markup', async () => {
  const demo = await Demo.start();
  const answer = (change) => async (route) => {
    const response = await route.fetch();
    await route.fulfill({response, body: change(await response.text())});
  };
  const channel = {
    id: 1, group: MARKUP, name: MARKUP, peer: MARKUP, state: MARKUP,
    policy: 'queue', pending_bytes: 5, pending_messages: 1,
    oldest_message_age_seconds: 1,
  };
  const report = {
    verdict: MARKUP, cause: MARKUP, blocks: 1, requested_bytes: 1,
    first: {id: 1, age_seconds: 1},
    creation: {hint: MARKUP, stack: [{frame: MARKUP}, {frame: MARKUP}]},
  };
  const escaped = MARKUP.replaceAll('"', '\\"');
  const page = await openLivePage(browser, demo.url, {
    prepare: async (unloaded) => {
      await unloaded.route('**/debug/channels?*', answer(
          () => JSON.stringify({groups: [{}], channels: [channel]})));
      await unloaded.route('**/debug/leaks?*', answer(
          () => JSON.stringify(
              {detectors: [{allocator: MARKUP, reports: [report]}]})));
      await unloaded.route('**/metrics', answer(
          (text) => text.replaceAll('category="Code"', `category="${escaped}"`)
              .replaceAll('allocator="demo"', `allocator="${escaped}"`)));
    },
  });
  await page.waitForSelector('#leaks table');
  await page.waitForSelector('#channels table');
  await page.waitForFunction(
      (text) => document.querySelector('#native-memory .legend')
                    .textContent.includes(text),
      MARKUP);
  for (const id of ['leaks', 'channels', 'native-memory']) {
    assert.ok((await page.textContent(`#${id}`)).includes(MARKUP), id);
  }
  assert.equal(await page.locator('img').count(), 0);
  assert.equal(await page.title(), 'poolscope');
  assert.deepEqual(page.complaints, []);
  await page.close();
  await demo.stop();
});
