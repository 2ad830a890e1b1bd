// Takes pictures of panels: serves the page that draws them, and has Debian's
// Chromium look at it.

import {execFile} from 'node:child_process';
import {readFile, rm} from 'node:fs/promises';
import {createServer} from 'node:http';
import {once} from 'node:events';
import {extname, join, normalize} from 'node:path';
import {promisify} from 'node:util';
import {chromium} from 'playwright-core';

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

const PATIENCE_MS = 60_000;

// Where the library looks for its icons and fonts. It brings the icons; the
// fonts are the server's, and what Debian has stands in for them.
const ICONS = '/public/build/img/icons/';
const FONTS = '/public/fonts/';

function serve(page, icons) {
  return createServer(async (request, response) => {
    const {pathname} = new URL(request.url, 'http://localhost');
    const path = normalize(pathname === '/' ? '/index.html' : pathname);
    const file = path.startsWith(ICONS) ?
        join(icons, path.slice(ICONS.length)) : join(page, path);
    const body = await readFile(file).catch(() => undefined);
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    response.writeHead(body ? 200 : 404, {'Content-Type': type});
    response.end(body);
  });
}

export class Studio {
  /** `folder` is that of package.json; the page was built in it. */
  static async open(folder) {
    const studio = new Studio();
    studio.browser = await chromium.launch({
      executablePath: process.env.POOLSCOPE_CHROMIUM ?? '/usr/bin/chromium',
      // It cannot make a sandbox of its own in a container.
      args: ['--no-sandbox'],
      handleSIGINT: false,
      handleSIGTERM: false,
    });
    const icons = 'node_modules/@grafana/ui/dist/public/img/icons';
    studio.server = serve(join(folder, 'out'), join(folder, icons))
        .listen(0, '127.0.0.1');
    await once(studio.server, 'listening');
    return studio;
  }

  async close() {
    await this.browser?.close();
    this.server.close();
    this.server.closeAllConnections();
  }

  /**
   * Writes the picture to the file `path`. Resolves to the titles of panels
   * that had nothing to show; whatever went wrong in the page is thrown.
   */
  async take(picture, path) {
    const page = await this.browser.newPage(
        {viewport: {width: picture.width, height: 900}});
    try {
      const errors = [];
      page.on('pageerror', (error) => errors.push(String(error.stack)));
      page.on('response', (response) => {
        const {pathname} = new URL(response.url());
        if (response.status() < 400 || pathname.startsWith(FONTS)) return;
        errors.push(`${response.status()}: ${pathname}`);
      });
      await page.addInitScript((it) => (window.picture = it), picture);
      await page.goto(`http://127.0.0.1:${this.server.address().port}/`);
      await page.waitForFunction(() => window.drawn, null,
                                 {timeout: PATIENCE_MS});
      const drawn = await page.evaluate(() => window.drawn);
      errors.push(...drawn.errors);
      await page.locator('#sheet').screenshot(
          {path: `${path}.full.png`, animations: 'disabled'});
      await shrink(`${path}.full.png`, path);
      if (errors.length > 0) throw new Error(errors.join('\n'));
      return drawn.empty;
    } finally {
      await page.close();
    }
  }
}

/** A picture of charts has few colours: 256 of them are seen as the same. */
async function shrink(from, to) {
  await promisify(execFile)('pngquant', [
    '--force', '--speed=1', '--strip', '--nofs', '--output', to, '256', from,
  ]);
  await rm(from);
}
