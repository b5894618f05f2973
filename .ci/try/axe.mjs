// Pages of the rendered site under axe, wide in light and narrow in dark: node .ci/try/axe.mjs SITE/_docs [index.html images.html ...]
// Without names every page but the try-it page, which test.mjs looks at. Exit code 1 and a line for each serious fault,
// and for each page that is wider than the window.

import fs from 'node:fs';
import path from 'node:path';
import { faults, launch, serve } from './browser.mjs';

const [site, ...named] = process.argv.slice(2);
const found = fs.readdirSync(site, { recursive: true }).map((o) => o.replaceAll('\\', '/')).filter((o) => /\.html$/.test(o) && !o.startsWith('try/'));
const names = named.length ? named : found.sort(), server = await serve(path.resolve(site)), browser = await launch();
const bad = new Set();
for (const [colorScheme, width] of [['light', 1280], ['dark', 390]]) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  await context.route((url) => !url.href.startsWith(server.home), (route) => route.abort()); // badges and the like, which need the internet
  for (const name of names) {
    const page = await context.newPage(), where = `${name}, ${colorScheme}, ${width} px`;
    await page.goto(server.home + name);
    await page.waitForTimeout(200);
    for (const fault of await faults(page)) bad.add(`${where}: ${fault.replaceAll('\n', ' ')}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) bad.add(`${where}: ${over} px wider than the window`);
    await page.close();
  }
}
await browser.close();
await server.stop();
console.log(bad.size ? [...bad].join('\n') : `${names.length} pages without a serious fault`);
process.exit(bad.size ? 1 : 0);
