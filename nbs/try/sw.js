// Keeps the page for the next time, also without a connection. tools/build_try.py fills in the next two lines.
const VERSION = 'dev';
const FILES = [];

// Of the three builds of LiteRT only the one that this browser uses is kept, by the test that LiteRT itself makes; whether it
// was loaded with JSPI, for WebGPU, the page says in this file's address.
const RELAXED = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11];
const BUILD = !WebAssembly.validate(new Uint8Array(RELAXED)) ? 'litert_wasm_compat_internal.'
  : location.search === '?jspi' ? 'litert_wasm_jspi_internal.' : 'litert_wasm_internal.';

addEventListener('install', (e) => e.waitUntil((async () => {
  const cache = await caches.open(VERSION);
  await cache.addAll(FILES.filter((o) => !o.includes('litert_wasm_') || o.includes(BUILD)).map((o) => new Request(o, { cache: 'no-cache' })));
  await skipWaiting();
})()));

addEventListener('activate', (e) => e.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== VERSION && name.startsWith('try-')) await caches.delete(name);
  await clients.claim();
})()));

addEventListener('fetch', (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== 'GET' || !url.href.startsWith(registration.scope)) return;
  e.respondWith((async () => {
    const cache = await caches.open(VERSION), kept = await cache.match(e.request, { ignoreSearch: true });
    if (kept) return kept;
    const answer = await fetch(e.request);
    if (answer.ok) await cache.put(e.request, answer.clone()); // the samples, when they are looked at
    return answer;
  })());
});
