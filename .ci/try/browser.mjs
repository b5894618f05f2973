// What the tests of pages share: a server, Chromium, and axe, which looks for what keeps people with disabilities out.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import zlib from 'node:zlib';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', json: 'application/json', svg: 'image/svg+xml',
  wasm: 'application/wasm', webp: 'image/webp', png: 'image/png', jpg: 'image/jpeg' };

/**
 * Serve a folder as the site's host does: compressed, to be kept for ten minutes.
 * @param {string} site the folder
 * @param {Object<string, string>} more further folders, by the first part of their address
 * @returns {Promise<{home: string, sent: number, stop: function}>} its address, the bytes sent, and how to end it
 */
export async function serve(site, more = {}) {
  const packed = new Map(), self = { sent: 0 };
  const pack = (file) => packed.has(file) || packed.set(file, zlib.gzipSync(fs.readFileSync(file)));
  const server = http.createServer((ask, answer) => {
    const name = decodeURIComponent(new URL(ask.url, 'http://x').pathname).replace(/\/$/, '/index.html'), [, first, ...rest] = name.split('/');
    const file = more[first] ? path.join(more[first], ...rest) : path.join(site, name);
    if (!fs.existsSync(file) || fs.statSync(file).isDirectory()) { answer.writeHead(404); answer.end(); return; }
    const type = TYPES[path.extname(file).slice(1)] || 'application/octet-stream', small = !/^image\/(?!svg)/.test(type);
    if (small) pack(file);
    const body = small ? packed.get(file) : fs.readFileSync(file), etag = `"${fs.statSync(file).mtimeMs}"`;
    const head = { 'content-type': type, 'cache-control': 'max-age=600', etag, ...(small && { 'content-encoding': 'gzip' }) };
    if (ask.headers['if-none-match'] === etag) { answer.writeHead(304, head); answer.end(); return; }
    self.sent += body.length;
    answer.writeHead(200, head);
    answer.end(body);
  });
  for (const o of fs.readdirSync(site, { recursive: true })) if (/\.(wasm|tflite)$/.test(o)) pack(path.join(site, o)); // a host has done that before
  await new Promise((go) => server.listen(0, '127.0.0.1', go));
  return Object.assign(self, {
    home: `http://127.0.0.1:${server.address().port}/`,
    stop() { server.closeAllConnections(); return new Promise((go) => server.close(go)); },
  });
}

export const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan', '--use-vulkan=swiftshader',
  '--disable-vulkan-surface'];

/** Chromium, without a GPU unless `gpu` says otherwise. */
export const launch = (gpu = ['--disable-gpu']) => require('playwright-core').chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox',
  ...gpu, '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });

/** What axe finds serious or worse on a page, a line each. */
export async function faults(page) {
  const violations = await page.evaluate(async (code) => {
    if (!self.axe) (0, eval)(code);
    return (await self.axe.run({ resultTypes: ['violations'] })).violations;
  }, axe);
  return violations.filter((o) => ['serious', 'critical'].includes(o.impact))
    .map((o) => `${o.id} (${o.nodes.length}): ${o.nodes[0].html.slice(0, 160)} ${o.nodes[0].failureSummary}`);
}
