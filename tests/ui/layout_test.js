// The page at / as it looks: narrow and wide, light and dark.
//
// With POOLSCOPE_SCREENSHOTS=FOLDER it leaves a picture of each there.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launch, openLivePage} from './browser.js';
import {Demo} from './demo.js';

// WCAG 2.1, level AA, for text of ordinary size.
const MIN_CONTRAST = 4.5;

let browser;
let demo;

before(async () => {
  demo = await Demo.start('--scenario=leak', '--suspect_after=1s');
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

// Texts with less contrast than `least`, each with its contrast. Runs in the
// page, whose backgrounds are plain colours.
function faintTexts(least) {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 :
                                ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((channels(color)[3] ?? 1) > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    if (!own || !element.checkVisibility()) continue;
    const lights = [getComputedStyle(element).color, background(element)]
        .map(luminance)
        .sort((a, b) => b - a);
    const contrast = (lights[0] + 0.05) / (lights[1] + 0.05);
    if (contrast < least) faint.push(`${element.textContent}: ${contrast}`);
  }
  return faint;
}

// Elements that reach beyond the window, but for what is in a box that scrolls.
function wideElements() {
  return [...document.body.querySelectorAll('*')]
      .filter((element) => !element.closest('.scrolls, #report-text'))
      .filter((element) => element.checkVisibility())
      .filter((element) =>
          element.getBoundingClientRect().right > innerWidth + 0.5)
      .map(({tagName, className}) => `${tagName} ${className}`);
}

for (const width of [380, 1600]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`readable at ${width} px, ${colorScheme}`, async () => {
      const page = await openLivePage(
          browser, demo.url,
          {viewport: {width, height: 900}, colorScheme});
      await page.click('#report summary');
      await page.waitForSelector('#leaks table');
      await page.click('#leaks summary');
      await page.waitForFunction(
          () => document.querySelector('#report-text')
                    .textContent.includes('Total:'));
      assert.deepEqual(await page.evaluate(wideElements), []);
      assert.ok(await page.evaluate(
          () => document.documentElement.scrollWidth <= innerWidth));
      assert.deepEqual(await page.evaluate(faintTexts, MIN_CONTRAST), []);
      assert.deepEqual(page.complaints, []);
      const folder = process.env.POOLSCOPE_SCREENSHOTS;
      if (folder) {
        await page.waitForTimeout(20_000);  // for the charts to have a shape
        await page.evaluate(() => scrollTo(0, 0));
        await page.screenshot(
            {path: `${folder}/${width}-${colorScheme}.png`, fullPage: true});
      }
      await page.close();
    });
  }
}

test('charts change their colours with the page', async () => {
  const page = await openLivePage(browser, demo.url, {colorScheme: 'light'});
  const swatch = () => page.$eval(
      '#chunks .swatch', (element) => element.style.borderTopColor);
  const light = await swatch();
  await page.emulateMedia({colorScheme: 'dark'});
  await page.waitForFunction(
      (before) => document.querySelector('#chunks .swatch')
                      .style.borderTopColor !== before,
      light);
  await page.close();
});

test('headings, controls and charts have names', async () => {
  const page = await openLivePage(browser, demo.url);
  const levels = await page.$$eval(
      'h1, h2, h3', (all) => all.filter((each) => each.checkVisibility())
                         .map(({tagName}) => Number(tagName[1])));
  assert.equal(levels[0], 1);
  levels.slice(1).forEach((level, i) => assert.ok(level <= levels[i] + 1));
  for (const name of ['Direct memory', 'Chunks by list', 'Outbound backlog']) {
    assert.equal(await page.getByRole('slider', {name}).count(), 1, name);
  }
  assert.equal(await page.getByRole('button', {name: 'Pause'}).count(), 1);
  assert.equal(await page.getByRole('status').count(), 1);
  await page.close();
});
