// Debian's Chromium, watched: what a page says on its console, and what it asks
// for, is kept.
//
//   const browser = await launch();
//   const page = await openPage(browser, demo.url, {viewport: ...});
//   page.complaints   errors, warnings, failed and foreign requests, in words
//   page.asked        URLs asked for, without the site

import {chromium} from 'playwright-core';

export function launch() {
  return chromium.launch({
    executablePath: process.env.POOLSCOPE_CHROMIUM ?? '/usr/bin/chromium',
    // It cannot make a sandbox of its own in a container.
    args: ['--no-sandbox'],
  });
}

function watch(page, site) {
  page.complaints = [];
  page.asked = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      page.complaints.push(`console: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => page.complaints.push(`thrown: ${error}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    page.asked.push(url.pathname + url.search);
    if (url.origin !== site) page.complaints.push(`foreign: ${url}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) {
      page.complaints.push(`${response.status()}: ${response.url()}`);
    }
  });
}

// `prepare(page)` runs before the page is loaded.
export async function openPage(
    browser, url, {prepare = async () => {}, ...options} = {}) {
  const page = await browser.newPage(options);
  watch(page, new URL(url).origin);
  await prepare(page);
  await page.goto(url);
  return page;
}

// Once the page shows its first figures.
export async function openLivePage(browser, url, options) {
  const page = await openPage(browser, url, options);
  await page.waitForFunction(() => {
    const legends = [...document.querySelectorAll('figure .legend')];
    return legends.length > 0 &&
        legends.every(({children}) => children.length > 0);
  });
  return page;
}
