// The network, in a worker of its own, so that the page never waits for it. A classic worker: LiteRT loads its WebAssembly
// with importScripts, which module workers do not have.

const PREVIEW = 1.25e6; // pixels of the picture that is shown; what is saved has all
const DRAFT = 1e5; // pixels of the one that answers while a slider is dragged
const TILE = navigator.deviceMemory <= 2 ? 640 : 1024; // the longest side that the network sees at once
const THUMB = 64;
const CHOICE = self.name; // `wasm` or `webgpu` where the page's address has ?accelerator=, else nothing

/** The sentence that a person reads when something went wrong, if the error has one. */
class Problem extends Error {}

let network; // { litert, jspi, bytes, facts, compiled: Map, accelerator: 'wasm' or 'webgpu', broken: rejects when the GPU fails }
let picture; // what was opened last: see open()
let latest = 0; // number of the last job: older ones stop at their next tile

// ---- The network at any size

/** Fetch LiteRT and the network, both once, and find out who does the work. */
async function load() {
  const [[litert, jspi], bytes, facts] = await Promise.all([
    loadLiteRt(),
    fetched('model/lantern.tflite').then((r) => r.arrayBuffer()),
    fetched('model/lantern.tflite.json').then((r) => r.json()),
  ]);
  network = { litert, jspi, bytes, facts, compiled: new Map(), accelerator: 'wasm' };
  const device = litert.getWebGpuDevice();
  if (jspi && device) await tryGpu(device);
}

/** LiteRT, and whether it is its JSPI build: the GPU lacks some of the network's operations, and only this build can share them out. */
async function loadLiteRt() {
  const [litert, gpu] = await Promise.all([import('./litert/index.js'), findGpu()]), home = new URL('litert/', self.location).href;
  const start = (jspi) => {
    if (!jspi) Object.defineProperty(navigator, 'gpu', { value: undefined }); // or LiteRT would ask for a device
    self.Module = {
      locateFile: (file) => new URL(file, home).href,
      printErr: (line) => /^(INFO|WARNING|I\d)/.test(line) || console.warn(line), // its progress notes are no errors
    };
    return litert.loadLiteRt(home, { jspi }).then(() => [litert, jspi]);
  };
  return gpu ? start(true).catch(() => start(false)) : start(false);
}

/** May a GPU do the work? An adapter that is only software may not, as it is slow, unless the page's address asks for it. */
async function findGpu() {
  if (CHOICE === 'wasm' || !navigator.gpu || !('Suspending' in WebAssembly)) return false;
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null); // as LiteRT does
  return Boolean(adapter) && (CHOICE === 'webgpu' || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
}

/** Let the GPU do the work if it makes of a small picture what WebAssembly makes of it; its programs are then ready, too. */
async function tryGpu(device) {
  network.broken = new Promise((_, fail) => {
    device.lost.then(({ message }) => fail(new Error(message)));
    device.addEventListener('uncapturederror', ({ error }) => fail(error));
  });
  network.broken.catch(leaveGpu);
  const tile = new ImageData(THUMB, THUMB), results = [];
  tile.data.forEach((_, i, data) => { data[i] = (i % 4 + 1) * (i / 4 % THUMB + i / 4 / THUMB) / 4; }); // a dark gradient
  const thumbnail = Float32Array.from({ length: THUMB * THUMB * 3 }, (_, i) => tile.data[Math.floor(i / 3) * 4 + i % 3] / 255);
  for (const accelerator of ['wasm', 'webgpu']) {
    network.accelerator = accelerator;
    results.push((await run(tile, [framed(THUMB), framed(THUMB)], thumbnail, -1)).bright);
    forget();
  }
  const [expected, got] = results, most = Math.max(...got.map((o, i) => Math.abs(o - expected[i])));
  if (!(most <= 2 / 255)) leaveGpu(new Error(`differs by ${most}`)); // also if it is no number
}

/** The GPU failed: from now on WebAssembly does the work. */
function leaveGpu(why) {
  if (network.accelerator === 'wasm') return;
  console.warn('WebGPU is not used:', why);
  network.accelerator = 'wasm';
  network.compiled = new Map(); // the old ones are not deleted: the GPU may still be at work
  postMessage({ say: 'accelerator', accelerator: 'wasm' });
}

async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer;
}

/**
 * Where the dimensions of each tensor lie in a LiteRT file (a flatbuffer: tables whose fields are found through a table of
 * offsets). Field 2 of the model lists its graphs, field 0 of a graph its tensors, field 0 of a tensor its shape.
 * @param {DataView} view
 * @returns {number[][]} for each tensor, the positions of its int32 dimensions
 */
function shapes(view) {
  const follow = (at) => at + view.getUint32(at, true);
  const items = (at) => Array.from({ length: view.getUint32(at, true) }, (_, i) => at + 4 + 4 * i);
  const field = (table, n) => {
    const offsets = table - view.getInt32(table, true), size = view.getUint16(offsets, true);
    const at = 4 + 2 * n < size && view.getUint16(offsets + 4 + 2 * n, true);
    return at ? items(follow(table + at)) : [];
  };
  return field(follow(0), 2).flatMap((graph) => field(follow(graph), 0)).map((tensor) => field(follow(tensor), 0));
}

/** The network for pictures of one size (multiples of its stride): its file with that size written into its shapes. */
async function compiled(height, width) {
  const { litert, bytes, facts, compiled, accelerator } = network, key = `${height}x${width}`;
  if (!compiled.has(key)) {
    const copy = bytes.slice(0), view = new DataView(copy);
    for (const at of shapes(view)) {
      const [, h, w] = at.map((o) => view.getInt32(o, true));
      const coarse = facts.side / h;
      if (at.length !== 4 || h !== w || !Number.isInteger(coarse) || coarse > facts.stride) continue;
      view.setInt32(at[1], height / coarse, true);
      view.setInt32(at[2], width / coarse, true);
    }
    compiled.set(key, await litert.loadAndCompile(new Uint8Array(copy), { accelerator, gpuOptions: { precision: 'fp32' } }));
  }
  return compiled.get(key);
}

/** Give back the memory of the sizes that are not needed any more. */
function forget(keep = []) {
  for (const [key, model] of network.compiled) {
    if (keep.includes(key)) continue;
    model.delete();
    network.compiled.delete(key);
  }
}

/**
 * The network on one tile, with WebAssembly if the GPU fails.
 * @param {ImageData} tile RGBA; smaller than the shape, see framed()
 * @param {[number, number]} shape height and width, multiples of the stride
 * @param {Float32Array} thumbnail of the whole picture
 * @param {number} brightness in [0, 1], or negative: the network decides
 * @returns {Promise<{bright: Float32Array, brightness: number}>} RGB of the tile in its frame, not yet clipped; the brightness used
 */
async function run(tile, shape, thumbnail, brightness) {
  if (network.accelerator === 'webgpu') {
    try { return await Promise.race([network.broken, compute(tile, shape, thumbnail, brightness)]); } catch (e) { leaveGpu(e); }
  }
  return compute(tile, shape, thumbnail, brightness);
}

/** The same with what does the work now. */
async function compute(tile, [height, width], thumbnail, brightness) {
  const { Tensor } = network.litert, x = new Float32Array(height * width * 3), { data, width: w, height: h } = tile;
  const within = (at, length) => Math.max(0, Math.min(at - EDGE, length - 1));
  for (let i = 0, o = 0; i < height; i++) {
    for (let j = 0, row = within(i, h) * w; j < width; j++) { // beyond the picture its edge is repeated
      const p = (row + within(j, w)) * 4;
      x[o++] = data[p] / 255; x[o++] = data[p + 1] / 255; x[o++] = data[p + 2] / 255;
    }
  }
  const model = await compiled(height, width);
  const inputs = { picture: new Tensor(x, [1, height, width, 3]), thumbnail: new Tensor(thumbnail, [1, THUMB, THUMB, 3]),
    brightness: new Tensor(new Float32Array([brightness]), [1, 1]) };
  try {
    const outputs = await model.run(inputs);
    const read = async (tensor) => { const out = await tensor.data(); tensor.delete(); return out; };
    return { bright: await read(outputs.picture), brightness: (await read(outputs.brightness))[0] };
  } finally { for (const tensor of Object.values(inputs)) tensor.delete(); }
}

// ---- Pictures

/**
 * The area means of a picture on a 64x64 grid, as `lowlight_nb.images.thumbnail` makes them: Pillow's BOX filter, in which a
 * pixel counts for the cell that its middle lies in.
 */
function thumbnailOf({ bitmap, width, height }) {
  const cells = (length) => Array.from({ length: THUMB }, (_, i) => {
    const scale = length / THUMB, support = .5 * Math.max(scale, 1), centre = (i + .5) * scale;
    const inside = [], last = Math.min(length, Math.trunc(centre + support + .5));
    for (let o = Math.max(0, Math.trunc(centre - support + .5)); o < last; o++) {
      const at = (o - centre + .5) / Math.max(scale, 1);
      if (at > -.5 && at <= .5) inside.push(o);
    }
    return inside;
  });
  const columns = cells(width), rows = cells(height), means = new Float32Array(height * THUMB * 3);
  for (const [top, { data, height: h }] of strips({ bitmap, width, height })) {
    for (let i = 0, o = top * THUMB * 3; i < h; i++) {
      for (const inside of columns) {
        let r = 0, g = 0, b = 0;
        for (const j of inside) { const p = (i * width + j) * 4; r += data[p]; g += data[p + 1]; b += data[p + 2]; }
        const all = inside.length * 255;
        means[o++] = r / all; means[o++] = g / all; means[o++] = b / all;
      }
    }
  }
  const out = new Float32Array(THUMB * THUMB * 3), across = THUMB * 3;
  rows.forEach((inside, i) => {
    for (let c = 0; c < across; c++) out[i * across + c] = inside.reduce((sum, o) => sum + means[o * across + c], 0) / inside.length;
  });
  return out;
}

/**
 * What all of a picture says about each pixel, as in Python: is it grey everywhere, and which colour stands where nobody sees one
 * (the mean of the others, since black would count in the thumbnail)?
 */
function survey({ bitmap, width, height, type }) {
  const sum = [0, 0, 0], opaque = type === 'image/jpeg';
  let grey = true, seen = 0;
  for (const [, { data }] of strips({ bitmap, width, height })) {
    if (opaque && !grey) break; // all is known
    for (let p = 0; p < data.length; p += 4) {
      grey &&= data[p] === data[p + 1] && data[p] === data[p + 2];
      if (!data[p + 3]) continue;
      seen++;
      for (let c = 0; c < 3; c++) sum[c] += data[p + c];
    }
  }
  return { grey, unseen: !opaque && seen && seen < width * height ? sum.map((o) => Math.floor(o / seen)) : null };
}

/** Can a canvas of this size be written and read? Browsers have limits, and beyond them all is empty. */
function canHold(width, height) {
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext('2d');
  context?.fillRect(0, 0, 1, 1);
  try { return Boolean(context?.getImageData(0, 0, 1, 1).data[3]); } finally { canvas.width = canvas.height = 1; } // gives its memory back
}

let scratch; // one canvas for reading pixels
/** The pixels of a part of a bitmap, scaled if `to` is given. */
function pixels(bitmap, x, y, width, height, to = [width, height]) {
  if (!scratch || scratch.width !== to[0] || scratch.height !== to[1]) scratch = new OffscreenCanvas(...to);
  const context = scratch.getContext('2d', { willReadFrequently: true });
  if (!context) throw new RangeError('no canvas');
  context.imageSmoothingEnabled = to[0] !== width || to[1] !== height;
  context.imageSmoothingQuality = 'high';
  context.clearRect(0, 0, ...to);
  context.drawImage(bitmap, x, y, width, height, 0, 0, ...to);
  const part = context.getImageData(0, 0, ...to), { data } = part;
  if (picture.unseen) for (let p = 0; p < data.length; p += 4) if (!data[p + 3]) data.set(picture.unseen, p);
  return part;
}

/** All of a picture, some rows at a time: where they begin, and their pixels. */
function* strips({ bitmap, width, height }, rows = 128) {
  for (let top = 0; top < height; top += rows) yield [top, pixels(bitmap, 0, top, width, Math.min(rows, height - top))];
}

/** A picture of at most so many pixels. */
function reduced({ bitmap, width, height }, most) {
  const scale = Math.min(1, Math.sqrt(most / (width * height)));
  return pixels(bitmap, 0, 0, width, height, [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))]);
}

/**
 * Blend a tile with what the network made of it (rows of `width` pixels, in a frame), in place: strength 0 is the tile, 1 the network's
 * output. A grey picture stays grey.
 */
function blend(tile, bright, width, strength) {
  const { data } = tile;
  for (let i = 0, p = 0; i < tile.height; i++) {
    for (let j = 0, o = ((i + EDGE) * width + EDGE) * 3; j < tile.width; j++, p += 4, o += 3) {
      const grey = .299 * bright[o] + .587 * bright[o + 1] + .114 * bright[o + 2];
      for (let c = 0; c < 3; c++) { // the array rounds halves to even; Python rounds them up
        const x = data[p + c] / 255, y = picture.grey ? grey : bright[o + c];
        data[p + c] = Math.floor(Math.min(1, Math.max(0, x + strength * (y - x))) * 255 + .5);
      }
    }
  }
  return tile;
}

/** How much of its own edge is put around a tile: beyond that the network sees zeros. */
const EDGE = 8;

const toStride = (length) => Math.ceil(length / network.facts.stride) * network.facts.stride;
const framed = (length) => toStride(length) + 2 * EDGE;

/**
 * How one side of a picture is cut into tiles of one size that overlap by twice the margin; the first and the last end where
 * the picture does, so that the network sees the picture's edge where it is.
 * @returns {{size: number, parts: {read: number, from: number, to: number}[]}} where each tile begins, and what of it to keep
 */
function cut(length, most) {
  const { margin, stride } = network.facts, padded = toStride(length);
  if (padded <= most) return { size: padded, parts: [{ read: 0, from: 0, to: length }] };
  const count = Math.ceil((padded - 2 * margin) / (most - 2 * margin));
  const size = toStride((padded - 2 * margin) / count) + 2 * margin, parts = [];
  for (let i = 0; i < count; i++) {
    const read = Math.floor(i * (padded - size) / (count - 1) / stride) * stride;
    parts.push({ read, from: i && parts[i - 1].to, to: i < count - 1 ? read + size - margin : length });
  }
  return { size, parts };
}

// ---- What the page asks for

const LOSSY = /^image\/(jpeg|heic|heif|avif)$/; // saved as JPEG, all others as PNG

/** Let the page's messages in, and say whether this job is still wanted. */
const wanted = async (job) => (await new Promise((go) => setTimeout(go)), job === latest);

/** Read a file; show it as it is, then a quick draft of the bright picture, then the preview. */
async function open({ file, job }) {
  picture?.bitmap.close();
  picture = null;
  let bitmap;
  try { bitmap = await createImageBitmap(file, { premultiplyAlpha: 'none' }); } catch (e) {
    throw new Problem(file.size
      ? `${file.name || 'This'} is not a picture that this browser can read, or it is too large. Choose a JPEG, PNG or WebP file.`
      : `${file.name || 'The file'} is empty. Choose another picture.`);
  }
  const { width, height } = bitmap;
  if (job !== latest) return bitmap.close();
  const name = file.name || 'picture';
  if ((width * height > 16e6 || Math.max(width, height) > 8192) && !canHold(width, height)) {
    bitmap.close();
    throw new Problem(`${name} has ${width} × ${height} pixels, which is more than this browser can save. Make it smaller, or use Python.`);
  }
  picture = { bitmap, width, height, name, type: file.type };
  Object.assign(picture, survey(picture));
  picture.preview = reduced(picture, PREVIEW);
  picture.draft = reduced(picture, DRAFT);
  postMessage({ say: 'opened', job, width, height, name: picture.name, before: picture.preview });
  await loaded;
  forget();
  picture.thumbnail = thumbnailOf(picture);
  picture.own = await show('draft', -1, job);
  if (await wanted(job)) await show('preview', picture.own, job);
}

/** Run the network on a reduced picture and send the result; gives the brightness used. */
async function show(level, brightness, job) {
  const start = performance.now(), source = picture[level], shape = [framed(source.height), framed(source.width)];
  const res = await run(source, shape, picture.thumbnail, brightness);
  const tile = blend(new ImageData(source.data.slice(), source.width, source.height), res.bright, shape[1], 1);
  postMessage({ say: 'bright', job, level, picture: tile, brightness: res.brightness, own: picture.own ?? res.brightness,
    milliseconds: performance.now() - start }, [tile.data.buffer]);
  return res.brightness;
}

/** The whole picture, tile by tile, as a file. */
async function save({ strength, brightness, job }) {
  const { bitmap, width, height, name, type, thumbnail } = picture, canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new RangeError('no canvas');
  const down = cut(height, TILE), across = cut(width, TILE), all = down.parts.length * across.parts.length;
  const keep = ['draft', 'preview'].map((o) => `${framed(picture[o].height)}x${framed(picture[o].width)}`);
  const shape = [framed(down.size), framed(across.size)];
  let done = 0;
  for (const row of down.parts) {
    for (const column of across.parts) {
      const tile = pixels(bitmap, column.read, row.read, Math.min(across.size, width - column.read), Math.min(down.size, height - row.read));
      const { bright } = await run(tile, shape, thumbnail, brightness ?? picture.own);
      context.putImageData(blend(tile, bright, shape[1], strength), column.read, row.read, column.from - column.read,
        row.from - row.read, column.to - column.from, row.to - row.from);
      if (!await wanted(job)) return;
      postMessage({ say: 'progress', job, part: ++done / all });
    }
  }
  forget(keep);
  const blob = await canvas.convertToBlob(LOSSY.test(type) ? { type: 'image/jpeg', quality: .95 } : { type: 'image/png' });
  postMessage({ say: 'saved', job, blob, name: `${name.replace(/\.[^.]*$/, '')}_bright.${blob.type === 'image/jpeg' ? 'jpg' : 'png'}` });
}

const jobs = { open, save, show: ({ level, brightness, job }) => picture && show(level, brightness ?? picture.own, job), stop() {} };

const loaded = load().catch((e) => { throw Object.assign(new Problem('The network could not be loaded. Check the connection and load the page again.'), { cause: e }); });
loaded.then(() => postMessage({ say: 'ready', accelerator: network.accelerator, jspi: network.jspi }), (e) => postMessage({ say: 'failed', sentence: e.message, detail: String(e.cause) }));

let queue = Promise.resolve(); // one job after the other
onmessage = ({ data }) => {
  if (data.ask !== 'show') latest = data.job; // a new picture, a new file or `stop` ends what is going on; `show` waits
  queue = queue.then(async () => {
    if (data.job < latest && data.ask !== 'show') return;
    try { await jobs[data.ask](data); } catch (e) {
      const memory = e instanceof RangeError || /memory|alloc|abort/i.test(e);
      postMessage({ say: 'failed', job: data.job, fatal: memory, detail: String(e?.stack || e), sentence: e instanceof Problem ? e.message : memory
        ? 'This device has too little memory for a picture of this size. Close other pages, or choose a smaller picture.'
        : 'Something went wrong with this picture. Load the page again, or choose another one.' });
    }
  });
};
