// Pages of the rendered site under axe, light and dark: node .ci/try/axe.mjs SITE/_docs index.html images.html ...
// Exit code 1 and a line for each serious fault.

import path from 'node:path';
import { faults, launch, serve } from './browser.mjs';

const [site, ...names] = process.argv.slice(2);
const server = await serve(path.resolve(site)), browser = await launch();
let bad = 0;
for (const colorScheme of ['light', 'dark']) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 } });
  for (const name of names) {
    const page = await context.newPage();
    await page.goto(server.home + name);
    await page.waitForTimeout(500);
    for (const fault of await faults(page)) { bad++; console.log(`${name}, ${colorScheme}: ${fault.replaceAll('\n', ' ')}`); }
    await page.close();
  }
}
await browser.close();
await server.stop();
if (!bad) console.log(`${names.length} pages without a serious fault`);
process.exit(bad ? 1 : 0);
