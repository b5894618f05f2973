// The try-it page in Chromium: node .ci/try/test.mjs SITE PICTURES [SCREENSHOTS]
// SITE holds the built page as try/, PICTURES what pictures.py made. One line for each check: "ok  what" or "FAIL  what  why".

import fs from 'node:fs';
import path from 'node:path';
import { faults, launch, serve, SOFTWARE_GPU } from './browser.mjs';

const [site, pictures, shots] = process.argv.slice(2).map((o) => path.resolve(o));
const LEVELS = 2; // of 255, by which the page's result may differ from Python's
const BUSY = 3; // how much longer than the aim things may take before that is a fault: the machine may have other work

const server = await serve(site, { pictures }), { home } = server;
const browser = await launch();

// ---- Helpers

let failed = 0;

async function check(name, func) {
  const start = Date.now();
  try { console.log(`ok  ${name}  ${await func() ?? ''} (${((Date.now() - start) / 1000).toFixed(1)} s)`); } catch (e) {
    failed++;
    console.log(`FAIL  ${name}  ${String(e.message || e).replaceAll('\n', ' ').slice(0, 500)}`);
  }
}
const must = (ok, why) => { if (!ok) throw new Error(why); };

async function visit(context, where = 'try/', waitFor = 'html[data-ready]') {
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', (e) => page.errors.push(String(e)));
  await page.goto(home + where);
  if (waitFor) await page.waitForSelector(waitFor, { timeout: 60_000 });
  return page;
}

/** Open a picture by the file chooser, or by `how`; wait for the finished preview. */
async function open(page, name, how = (file) => page.setInputFiles('#choose', file)) {
  await how(path.join(pictures, name));
  await page.waitForSelector('html[data-shown=preview]', { timeout: 60_000 });
}

/** Press Download; compare the file with Python's, in the page. */
async function compare(page, expected) {
  const [download] = await Promise.all([page.waitForEvent('download', { timeout: 120_000 }), page.click('#save')]);
  const got = fs.readFileSync(await download.path()).toString('base64');
  const res = await page.evaluate(async ([got, expected]) => {
    const read = async (url) => {
      const bitmap = await createImageBitmap(await (await fetch(url)).blob()), { width, height } = bitmap;
      const context = new OffscreenCanvas(width, height).getContext('2d');
      context.drawImage(bitmap, 0, 0);
      return context.getImageData(0, 0, width, height);
    };
    const [a, b] = [await read('data:application/octet-stream;base64,' + got), await read(expected)];
    if (a.width !== b.width || a.height !== b.height) return { why: `${a.width}x${a.height} instead of ${b.width}x${b.height}` };
    let most = 0, sum = 0;
    a.data.forEach((o, i) => { const d = Math.abs(o - b.data[i]); sum += d; if (d > most) most = d; });
    return { most, mean: sum / a.data.length };
  }, [got, `${home}pictures/expected/${expected}`]);
  must(!res.why, res.why);
  return { ...res, name: download.suggestedFilename() };
}
const same = (res, levels = LEVELS) => { must(res.most <= levels, `differs by ${res.most} levels`); return `at most ${res.most} of 255 levels, mean ${res.mean.toFixed(4)}`; };

// ---- Checks

const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
let page;

await check('first visit: soon usable, at most 6 MB', async () => {
  server.sent = 0;
  const start = Date.now();
  page = await visit(context);
  const ready = Date.now() - start, weight = server.sent / 1e6;
  must(ready <= 3000 * BUSY, `ready after ${ready} ms`);
  must(weight <= 6, `${weight.toFixed(2)} MB`);
  return `ready after ${ready} ms (aim: 3000), ${weight.toFixed(2)} MB`;
});

await check('600x400: soon bright', async () => {
  await open(page, 'tiny.png');
  await page.evaluate(() => { addEventListener('change', () => { self.started = performance.now(); }, true);
    new MutationObserver(() => { if (document.documentElement.dataset.shown === 'preview') self.shown = performance.now(); }).observe(document.documentElement, { attributes: true }); });
  await open(page, '600x400.png');
  const [first, again] = await page.evaluate(() => [self.shown - self.started, performance.getEntriesByName('bright-preview').at(-1).duration]);
  must(first <= 1500 * BUSY, `${first.toFixed(0)} ms`);
  return `${first.toFixed(0)} ms from file to finished picture (aim: 1500), ${again.toFixed(0)} ms of it for the network at full size`;
});

await check('samples: as in Python', async () => {
  const seen = [];
  for (const button of await page.$$('#samples button')) {
    const name = (await button.$eval('img', (o) => o.src)).match(/(\w+)_small/)[1];
    await page.evaluate(() => delete document.documentElement.dataset.shown);
    await button.click();
    await page.waitForSelector('html[data-shown=preview]');
    try { seen.push(`${name} ${same(await compare(page, `${name}.png`))}`); } catch (e) { throw new Error(`${name}: ${e.message}`); }
  }
  must(seen.length >= 6, `${seen.length} samples`);
  return seen.join('; ');
});

await check('brightness and strength: as in Python', async () => {
  await open(page, 'sliders.png');
  await page.fill('#brightness', '60');
  await page.fill('#strength', '50');
  must(await page.getAttribute('#automatic', 'aria-pressed') === 'false', 'still automatic');
  must(Math.abs(await page.$eval('#after', (o) => o.style.opacity) - .5) < .01, 'the preview is not blended');
  return same(await compare(page, 'sliders.png'));
});

await check('brightness answers while dragged', async () => {
  await open(page, '600x400.png');
  await page.evaluate(() => performance.clearMeasures());
  const box = await (await page.$('#brightness')).boundingBox(), y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * .3, y);
  await page.mouse.down();
  for (let i = 0; i < 30; i++) { await page.mouse.move(box.x + box.width * (.3 + i / 75), y); await page.waitForTimeout(16); }
  const during = await page.evaluate(() => performance.getEntriesByName('bright-draft').map((o) => o.duration));
  await page.mouse.up();
  await page.waitForFunction(() => performance.getEntriesByName('bright-preview').length);
  must(during.length >= 4, `${during.length} drafts`);
  return `${during.length} drafts while dragging, ${during.sort((a, b) => a - b)[during.length >> 1].toFixed(0)} ms each`;
});

await check('tiny and tall pictures: as in Python', async () => {
  const seen = [];
  for (const name of ['tiny.png', 'tall.png']) { await open(page, name); seen.push(same(await compare(page, name))); }
  return seen.join('; ');
});

await check('grey and transparent pictures: as in Python', async () => {
  const seen = [];
  for (const name of ['grey.png', 'half.png']) { await open(page, name); seen.push(same(await compare(page, name))); }
  return seen.join('; ');
});

await check('half-transparent pictures: WebP as PNG', async () => {
  const means = [];
  for (const name of ['fade.png', 'fade.webp']) { await open(page, name); means.push((await compare(page, 'fade.png')).mean); }
  must(means[0] === means[1] && means[0] < 2, `differ by ${means.join(' and ')} levels on average`);
  return `mean ${means[0].toFixed(2)} levels`;
});

await check('turned by its camera: upright, saved as JPEG', async () => {
  await open(page, 'turned.jpg');
  const res = await compare(page, 'turned.png');
  must(res.name === 'turned_bright.jpg', res.name);
  must(res.mean < 6, `differs by ${res.mean} on average`);
  return `mean ${res.mean.toFixed(2)} levels, JPEG`;
});

const drop = async (file) => {
  const data = fs.readFileSync(file).toString('base64');
  await page.evaluate(async ([data, name]) => {
    delete document.documentElement.dataset.shown;
    const transfer = new DataTransfer();
    transfer.items.add(new File([await (await fetch('data:application/octet-stream;base64,' + data)).blob()], name));
    for (const type of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
  }, [data, path.basename(file)]);
};
await check('a dropped file', async () => {
  await open(page, '600x400.png', drop);
  must(await page.isHidden('#drop'), 'the notice stays');
  return same(await compare(page, '600x400.png'));
});

await check('a pasted file', async () => {
  const data = fs.readFileSync(path.join(pictures, 'sliders.png')).toString('base64');
  await page.evaluate(async (data) => {
    delete document.documentElement.dataset.shown;
    const transfer = new DataTransfer();
    transfer.items.add(new File([await (await fetch('data:image/png;base64,' + data)).blob()], 'pasted.png', { type: 'image/png' }));
    document.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, clipboardData: transfer }));
  }, data);
  await page.waitForSelector('html[data-shown=preview]');
});

await check('12 megapixels: as in Python, the page stays responsive', async () => {
  await page.evaluate(() => {
    self.gaps = [];
    self.tasks = [0];
    new PerformanceObserver((list) => self.tasks.push(...list.getEntries().map((o) => o.duration))).observe({ type: 'longtask' });
    let last = performance.now();
    (function step() { const now = performance.now(); self.gaps.push(now - last); last = now; requestAnimationFrame(step); })();
  });
  const start = Date.now();
  await open(page, '12mp.png');
  const shown = Date.now() - start;
  await page.evaluate(() => { self.progress = new Set(); new MutationObserver(() => self.progress.add(document.querySelector('progress').value)).observe(document.querySelector('progress'), { attributes: true }); });
  const clicked = Date.now();
  const [download] = await Promise.all([page.waitForEvent('download', { timeout: 240_000 }), page.click('#save')]);
  await download.path();
  const saved = Date.now() - clicked, gap = await page.evaluate(() => Math.max(...self.gaps)), [steps, task] = await page.evaluate(() => [self.progress.size, Math.max(...self.tasks)]);
  const res = await compare(page, '12mp.png');
  must(gap < 250 * BUSY, `no frame for ${gap.toFixed(0)} ms, longest task ${task.toFixed(0)} ms`);
  must(steps > 4, `progress moved ${steps} times`);
  return `${same(res)}; shown after ${shown} ms, saved after ${saved} ms, longest time without a frame ${gap.toFixed(0)} ms (aim: 250), longest task ${task.toFixed(0)} ms`;
});

await check('stopping', async () => {
  await page.click('#save');
  await page.click('#stop');
  must(await page.isHidden('#progress') && await page.isEnabled('#save'), 'goes on');
});

await check('broken files: a sentence, and the page goes on', async () => {
  const seen = [];
  for (const name of ['text.jpg', 'empty.png', 'cut.png', 'long.png']) { // the last is wider than any canvas
    await page.setInputFiles('#choose', path.join(pictures, name));
    await page.waitForSelector('#problem:visible');
    const sentence = await page.textContent('#problem');
    must(sentence.startsWith(name) && sentence.endsWith('.'), sentence);
    must(await page.isVisible('#start') && await page.isHidden('#controls'), 'not back at the start');
    seen.push(sentence);
    await open(page, 'tiny.png');
    must(await page.isHidden('#problem'), 'the sentence stays');
  }
  return seen[0];
});

await check('by the keyboard', async () => {
  await open(page, '600x400.png');
  await page.focus('#divider');
  const at = async () => Number(await page.getAttribute('#divider', 'aria-valuenow'));
  const before = await at();
  await page.keyboard.press('ArrowRight');
  must(await at() === before + 2, 'the arrow does not move the divider');
  await page.keyboard.press('Home');
  must(await at() === 0, 'Home does not');
  await page.focus('#brightness');
  await page.keyboard.press('ArrowRight');
  must(await page.getAttribute('#automatic', 'aria-pressed') === 'false', 'the arrow does not move the brightness');
  await page.focus('#automatic');
  await page.keyboard.press('Enter');
  must(await page.getAttribute('#automatic', 'aria-pressed') === 'true', 'Automatic is not pressed');
  const reached = [];
  await page.focus('.skip');
  for (let i = 0; i < 20; i++) { await page.keyboard.press('Tab'); reached.push(await page.evaluate(() => document.activeElement.id)); }
  for (const id of ['divider', 'brightness', 'automatic', 'strength', 'save', 'another']) must(reached.includes(id), `Tab does not reach ${id}`);
});

await check('axe finds no serious fault', async () => {
  const bad = [];
  const look = async (where) => bad.push(...(await faults(page)).map((o) => `${where}: ${o}`));
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await look(`${colorScheme}, open`);
    await page.evaluate(() => { close(); problem('A sentence.'); });
    await look(`${colorScheme}, start`);
    await page.evaluate(() => problem(''));
    await open(page, '600x400.png', async (file) => { await page.evaluate(() => delete document.documentElement.dataset.shown); await page.setInputFiles('#choose', file); });
  }
  must(!bad.length, bad.join(' | '));
});

await check('no error on the page', async () => must(!page.errors.length, page.errors.join('; ')));

if (shots) {
  fs.mkdirSync(shots, { recursive: true });
  for (const [name, size] of [['phone', { width: 390, height: 844 }], ['desktop', { width: 1280, height: 900 }]]) {
    for (const colorScheme of ['light', 'dark']) {
      const other = await browser.newContext({ viewport: size, colorScheme, hasTouch: name === 'phone', isMobile: name === 'phone', deviceScaleFactor: name === 'phone' ? 2 : 1 });
      const tab = await visit(other);
      await tab.waitForTimeout(300);
      await tab.screenshot({ path: path.join(shots, `${name}_${colorScheme}_start.png`) });
      await tab.click('#samples li:nth-child(5) button');
      await tab.waitForSelector('html[data-shown=preview]');
      await tab.waitForTimeout(800);
      await tab.screenshot({ path: path.join(shots, `${name}_${colorScheme}_open.png`) });
      await tab.screenshot({ path: path.join(shots, `${name}_${colorScheme}_full.png`), fullPage: true });
      await other.close();
    }
  }
}

await check('no WebAssembly: a sentence', async () => {
  const other = await browser.newContext();
  await other.addInitScript(() => { delete self.WebAssembly; });
  const tab = await visit(other, 'try/', '#problem:visible');
  const sentence = await tab.textContent('#problem');
  await other.close();
  must(/WebAssembly/.test(sentence), sentence);
  return sentence;
});

await check('a worker that cannot start: a sentence, once', async () => {
  const other = await browser.newContext();
  let asked = 0;
  await other.route('**/worker.js', async (route) => { asked++; await route.fulfill({ status: 404, body: '' }); });
  const tab = await visit(other, 'try/', '#problem:visible');
  await tab.waitForTimeout(500);
  await tab.click('#samples button'); // nothing comes of it
  const sentence = await tab.textContent('#problem');
  must(asked === 1, `asked ${asked} times`);
  must(await tab.isDisabled('#choose'), 'a picture may still be chosen');
  await other.close();
  must(/could not be loaded/.test(sentence), sentence);
  return sentence;
});

await check('another photo: no download while it is read', async () => {
  await open(page, 'tiny.png');
  await page.evaluate(() => { self.offered = []; new MutationObserver(() => self.offered.push([photo, !document.getElementById('save').disabled])).observe(document.documentElement, { subtree: true, attributes: true }); });
  await open(page, '12mp.png');
  must(await page.evaluate(() => self.offered.every(([photo, enabled]) => photo || !enabled)), 'Download works without a picture');
});

const HUNGRY = { contentType: 'text/javascript',
  body: fs.readFileSync(path.join(site, 'try', 'worker.js'), 'utf8') + '\nconst real = compiled;\ncompiled = (h, w) => { if (h > 400) throw new RangeError("Out of memory"); return real(h, w); };' };
await check('too little memory: a sentence, and the page goes on', async () => {
  const other = await browser.newContext();
  await other.route('**/worker.js', async (route) => route.fulfill(HUNGRY));
  const tab = await visit(other);
  await tab.setInputFiles('#choose', path.join(pictures, 'tall.png'));
  await tab.waitForSelector('#problem:visible');
  const sentence = await tab.textContent('#problem');
  await open(tab, 'tiny.png');
  await other.close();
  must(/memory/.test(sentence), sentence);
  return sentence;
});

await check('too little memory and no connection: a sentence, once', async () => {
  const other = await browser.newContext({ serviceWorkers: 'block' }); // which would ask, too
  let asked = 0;
  await other.route('**/worker.js', async (route) => route.fulfill(asked++ ? { status: 404, body: '' } : HUNGRY));
  const tab = await visit(other);
  await tab.setInputFiles('#choose', path.join(pictures, 'tall.png'));
  await tab.waitForSelector('#problem:visible');
  await tab.waitForTimeout(500);
  const sentence = await tab.textContent('#problem');
  await other.close();
  must(asked === 2, `asked ${asked} times`);
  must(/could not be loaded/.test(sentence), sentence);
  return sentence;
});

await check('a browser without relaxed SIMD: as in Python', async () => {
  const other = await browser.newContext();
  await other.route('**/worker.js', async (route) => route.fulfill({ contentType: 'text/javascript',
    body: 'const real = WebAssembly.instantiate; WebAssembly.instantiate = (o, ...more) => o.length < 100 ? Promise.reject(new Error("unknown")) : real(o, ...more);\n'
      + fs.readFileSync(path.join(site, 'try', 'worker.js'), 'utf8') }));
  const loaded = [];
  other.on('request', (o) => loaded.push(o.url()));
  const tab = await visit(other);
  await open(tab, 'tall.png');
  const res = same(await compare(tab, 'tall.png'));
  await other.close();
  must(loaded.some((o) => o.includes('compat')), 'the other build was loaded');
  return res;
});

// ---- WebGPU, as software does it

const gpuBrowser = await launch(SOFTWARE_GPU), gpuContext = await gpuBrowser.newContext(), GPU = 'try/?accelerator=webgpu';
const accelerator = (tab) => tab.getAttribute('html', 'data-accelerator');
let gpuPage; // none where this Chromium has no software adapter, or no JSPI

await check('WebGPU: as in Python, at most 6 MB', async () => {
  server.sent = 0;
  const tab = await visit(gpuContext, GPU), weight = server.sent / 1e6;
  const lacks = await tab.evaluate(async () => !('Suspending' in WebAssembly) ? 'JSPI' : !await navigator.gpu?.requestAdapter() && 'software adapter for WebGPU');
  if (lacks) { must(await accelerator(tab) === 'wasm', 'another accelerator'); return `not tested: this Chromium has no ${lacks}`; }
  gpuPage = tab;
  must(await accelerator(tab) === 'webgpu', 'WebAssembly is used');
  must(weight <= 6, `${weight.toFixed(2)} MB`);
  const seen = [];
  for (const name of ['coffee', 'bee']) {
    await tab.evaluate(() => delete document.documentElement.dataset.shown);
    await tab.click(`#samples button:has([src*=${name}])`);
    await tab.waitForSelector('html[data-shown=preview]');
    seen.push(`${name} ${same(await compare(tab, `${name}.png`))}`);
  }
  must(await accelerator(tab) === 'webgpu', 'WebAssembly took over');
  must(!tab.errors.length, tab.errors.join('; '));
  const took = await tab.evaluate(() => performance.getEntriesByName('bright-preview').at(-1).duration);
  return `${seen.join('; ')}; ${took.toFixed(0)} ms for the last preview, ${weight.toFixed(2)} MB`;
});

const FAULTS = { // what goes before the worker's code, or after it
  'no device': ['GPUAdapter.prototype.requestDevice = () => Promise.reject(new Error("no device"));', ''],
  'no build for it': ['WebAssembly.Suspending = class { constructor() { throw new Error("broken"); } };', ''],
  'wrong results': ['', 'const real = compute; compute = async (...o) => { const res = await real(...o); if (network.accelerator === "webgpu") res.bright = res.bright.map((x) => x + .01); return res; };'],
  'lost at the first picture': ['', 'const real = compute; compute = (...o) => { if (picture && network.accelerator === "webgpu") network.litert.getWebGpuDevice().destroy(); return real(...o); };'],
};
await check('WebGPU that fails: WebAssembly, as in Python', async () => {
  if (!gpuPage) return 'not tested: WebGPU is not there';
  const seen = [];
  for (const [fault, [before, after]] of Object.entries(FAULTS)) {
    const other = await gpuBrowser.newContext();
    await other.route('**/worker.js', async (route) => route.fulfill({ contentType: 'text/javascript',
      body: [before, fs.readFileSync(path.join(site, 'try', 'worker.js'), 'utf8'), after].join('\n') }));
    const tab = await visit(other, GPU), first = await accelerator(tab);
    must(first === (fault.startsWith('lost') ? 'webgpu' : 'wasm'), `${fault}: begins with ${first}`);
    await open(tab, 'tall.png');
    try { seen.push(`${fault}: ${same(await compare(tab, 'tall.png'))}`); } catch (e) { throw new Error(`${fault}: ${e.message}`); }
    must(await accelerator(tab) === 'wasm', `${fault}: still WebGPU`);
    await other.close();
  }
  return seen.join('; ');
});

await check('WebGPU in software only: WebAssembly', async () => {
  if (!gpuPage) return 'not tested: WebGPU is not there';
  const other = await gpuBrowser.newContext(), loaded = [];
  other.on('request', (o) => loaded.push(o.url()));
  for (const where of ['try/', 'try/?accelerator=wasm']) must(await accelerator(await visit(other, where)) === 'wasm', `${where} uses it`);
  await other.close();
  must(!loaded.some((o) => o.includes('jspi')), 'the build for WebGPU was loaded');
});

await check('offline after the first load', async () => {
  await page.waitForSelector('html[data-offline]');
  await gpuPage?.waitForSelector('html[data-offline]');
  await page.close();
  await server.stop();
  page = await visit(context);
  await open(page, '600x400.png');
  await page.click('#samples button');
  await page.waitForTimeout(300);
  if (gpuPage) {
    await gpuPage.close();
    gpuPage = await visit(gpuContext, GPU);
    must(await accelerator(gpuPage) === 'webgpu', 'WebGPU is not used');
    await open(gpuPage, '600x400.png');
  }
  return `reloaded and enhanced a picture with the server gone${gpuPage ? ', also with WebGPU' : ''}`;
});

await browser.close();
await gpuBrowser.close();
process.exit(failed ? 1 : 0);
