// The page. All work on pictures is done in worker.js; here are files, buttons and sliders.

const $ = (id) => document.getElementById(id);
const stage = $('stage'), before = $('before'), after = $('after'), brightness = $('brightness'), strength = $('strength');

let usable = true; // can anything be done here?
let worker, ready = false; // is the network there?
let job = 0; // number of the last job given to the worker
let opened = 0; // number of the job that opened the picture
let photo = null; // { name, width, height } of the picture that is shown
let automatic = true; // does the network decide how bright?
let saving = 0; // number of the job that makes a file, if there is one

// ---- What is said

const say = (text) => { $('status').textContent = text; };

function problem(sentence) {
  $('problem').textContent = sentence;
  $('problem').hidden = !sentence;
}

/** What this browser lacks, as a sentence, or nothing. */
function lacking() {
  if (typeof WebAssembly !== 'object') return 'This browser has WebAssembly switched off or does not know it, and the network needs it. Please use another browser, or Python.';
  if (typeof OffscreenCanvas !== 'function' || typeof createImageBitmap !== 'function') return 'This browser is too old for this page. A version of 2023 or newer can run it.';
  return '';
}

// ---- The worker

let heard = false; // has this worker said anything?

function startWorker() {
  worker = new Worker('worker.js', { name: new URLSearchParams(location.search).get('accelerator') ?? '' });
  ready = heard = false;
  worker.onmessage = ({ data }) => { heard = true; hear[data.say](data); };
  worker.onerror = (e) => {
    e.preventDefault();
    if (heard) hear.failed({ job, fatal: true, sentence: 'The work on the picture stopped, probably for lack of memory. Load the page again, or choose a smaller picture.' });
    else giveUp('The page could not be loaded whole. Check the connection and load it again, or use a newer browser.');
  };
}

/** Nothing can be done here. */
function giveUp(sentence) {
  usable = false;
  problem(sentence);
  say('');
  waiting(false);
  close();
  for (const input of document.querySelectorAll('input[type=file]')) input.disabled = true;
}

function ask(what, more) {
  worker.postMessage({ ask: what, job: ++job, ...more });
  return job;
}

const hear = {
  ready({ accelerator, jspi }) {
    ready = true;
    hear.accelerator({ accelerator });
    document.documentElement.dataset.ready = '';
    if (!photo) say('Ready.');
    keepOffline(jspi);
  },

  /** Who does the work, `wasm` or `webgpu`: said again when the GPU fails later. */
  accelerator({ accelerator }) { document.documentElement.dataset.accelerator = accelerator; },

  opened({ job: number, width, height, name, before: picture }) {
    if (number !== opened) return;
    photo = { name, width, height };
    before.setAttribute('aria-label', `${name}, before`);
    after.setAttribute('aria-label', `${name}, after`);
    [before, after].forEach((canvas) => Object.assign(canvas, { width: picture.width, height: picture.height }));
    before.getContext('2d').putImageData(picture, 0, 0);
    stage.style.setProperty('--ratio', width / height);
    stage.classList.add('open');
    $('start').hidden = true;
    $('compare').hidden = $('controls').hidden = false;
    after.hidden = true;
    const { top, bottom } = compare.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) stage.scrollIntoView();
    waiting(true);
    say(ready ? 'Brightening …' : 'The network is still on its way …');
  },

  bright({ job: number, level, picture, brightness: used, own, milliseconds }) {
    busy = false;
    if (number < opened) return;
    const first = after.hidden;
    after.hidden = false;
    draw(picture);
    waiting(false);
    if (automatic) brightness.value = Math.round(100 * own);
    showValues();
    if (first) setDivider(50);
    if (document.activeElement === document.body) divider.focus({ preventScroll: true }); // the button that was pressed is gone
    $('save').disabled = saving;
    document.documentElement.dataset.shown = level;
    performance.measure('bright-' + level, { start: performance.now() - milliseconds, duration: milliseconds });
    if (level === 'preview' && !saving) say(`${photo.name}: ${photo.width} × ${photo.height} pixels, brightened.`);
    if (next) { const level = next; next = ''; request(level); }
  },

  progress({ job: number, part }) {
    if (number !== saving) return;
    $('progress').firstElementChild.value = part;
    say(`Full resolution: ${Math.round(100 * part)} %`);
  },

  saved({ job: number, blob, name }) {
    if (number !== saving) return;
    stopSaving();
    const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    say(`Saved as ${name}.`);
  },

  failed({ job: number, sentence, fatal, detail }) {
    if (number && number < opened) return;
    if (detail) console.warn(detail);
    problem(sentence);
    say('');
    busy = false;
    waiting(false);
    stopSaving();
    if (!photo || number === opened) close();
    if (fatal) { worker.terminate(); photo = null; close(); startWorker(); } // begin again with empty memory
  },
};

// ---- A picture comes in

function open(file) {
  if (!file || !usable) return;
  problem('');
  automatic = true;
  strength.value = 100;
  showAutomatic();
  photo = null;
  stopSaving();
  clearTimeout(settle);
  busy = false;
  next = '';
  delete document.documentElement.dataset.shown;
  waiting(true);
  say('Reading the picture …');
  opened = ask('open', { file });
}

/** Back to the start. */
function close() {
  stage.classList.remove('open');
  $('start').hidden = false;
  $('compare').hidden = $('controls').hidden = true;
}

for (const id of ['choose', 'camera', 'another']) {
  $(id).addEventListener('change', ({ target }) => { open(target.files[0]); target.value = ''; });
}

const pictureIn = (data) => data && ([...data.files].find((o) => o.type.startsWith('image/')) || data.files[0]);
let inside = 0; // drag events come for every element on the way
addEventListener('dragenter', (e) => { if (e.dataTransfer?.types.includes('Files')) { inside++; $('drop').hidden = false; } });
addEventListener('dragleave', () => { if (inside && !--inside) $('drop').hidden = true; });
addEventListener('dragover', (e) => e.preventDefault());
addEventListener('drop', (e) => { e.preventDefault(); inside = 0; $('drop').hidden = true; open(pictureIn(e.dataTransfer)); });
addEventListener('paste', (e) => open(pictureIn(e.clipboardData)));

// ---- Before and after

const compare = $('compare'), divider = $('divider');

function setDivider(at) {
  at = Math.min(100, Math.max(0, at));
  compare.style.setProperty('--at', at);
  divider.setAttribute('aria-valuenow', Math.round(at));
  divider.setAttribute('aria-valuetext', `${Math.round(at)} % before, ${Math.round(100 - at)} % after`);
}

const follow = (e) => { const box = compare.getBoundingClientRect(); setDivider(100 * (e.clientX - box.left) / box.width); };
compare.addEventListener('pointerdown', (e) => {
  if (e.button) return;
  compare.setPointerCapture(e.pointerId);
  divider.focus({ preventScroll: true });
  follow(e);
});
compare.addEventListener('pointermove', (e) => { if (compare.hasPointerCapture(e.pointerId)) follow(e); });
divider.addEventListener('keydown', (e) => {
  const at = Number(divider.getAttribute('aria-valuenow')), step = e.shiftKey ? 10 : 2;
  const to = { ArrowLeft: at - step, ArrowDown: at - step, ArrowRight: at + step, ArrowUp: at + step, PageDown: at - 10, PageUp: at + 10, Home: 0, End: 100 }[e.key];
  if (to === undefined) return;
  e.preventDefault();
  setDivider(to);
});

/** Put what the network made onto the upper canvas, which lies exactly over the other; a draft is smaller and is scaled up. */
async function draw(picture) {
  const context = after.getContext('2d');
  if (picture.width === after.width && picture.height === after.height) return context.putImageData(picture, 0, 0);
  const small = new OffscreenCanvas(picture.width, picture.height);
  small.getContext('2d').putImageData(picture, 0, 0);
  context.imageSmoothingQuality = 'high';
  context.clearRect(0, 0, after.width, after.height);
  context.drawImage(small, 0, 0, after.width, after.height);
}

const waiting = (yes) => { $('wait').hidden = !yes; stage.setAttribute('aria-busy', yes); };

// ---- Brightness and strength

let busy = false, next = '', settle; // one request at a time; the last wish waits for its turn

function request(level) {
  if (busy) { next = level; return; }
  busy = true;
  ask('show', { level, brightness: wantedBrightness() });
}

const wantedBrightness = () => automatic ? null : brightness.value / 100;

function showAutomatic() {
  $('automatic').setAttribute('aria-pressed', automatic);
  brightness.setAttribute('aria-describedby', automatic ? 'automatic' : '');
}

function showValues() {
  $('brightness-value').textContent = `${brightness.value} %`;
  $('strength-value').textContent = `${strength.value} %`;
  for (const range of [brightness, strength]) range.style.setProperty('--part', (range.value - range.min) / (range.max - range.min));
  after.style.opacity = strength.value / 100; // a blend is what strength means, so it needs no network
}

brightness.addEventListener('input', () => {
  automatic = false;
  showAutomatic();
  showValues();
  stop();
  request('draft');
  clearTimeout(settle);
  settle = setTimeout(() => request('preview'), 250);
});
strength.addEventListener('input', () => { stop(); showValues(); });
$('automatic').addEventListener('click', () => {
  automatic = true;
  showAutomatic();
  stop();
  request('preview');
});

// ---- The whole picture

$('controls').addEventListener('submit', (e) => {
  e.preventDefault();
  if (saving || $('save').disabled) return;
  $('save').disabled = true;
  $('progress').hidden = false;
  $('progress').firstElementChild.value = 0;
  say('Full resolution …');
  saving = ask('save', { strength: strength.value / 100, brightness: wantedBrightness() });
});
$('stop').addEventListener('click', () => { stop(); say('Stopped.'); $('save').focus(); });

/** What is being saved is no longer what is wanted. */
function stop() {
  if (saving) ask('stop');
  stopSaving();
}

function stopSaving() {
  saving = 0;
  $('progress').hidden = true;
  $('save').disabled = !photo;
}

// ---- Samples

async function showSamples() {
  const answer = await fetch('samples/samples.json').catch(() => null);
  if (!answer?.ok) return;
  const samples = await answer.json();
  $('samples').hidden = $('credits').hidden = false;
  $('samples').querySelector('ul').append(...samples.map(({ name, file, thumb, text }) => {
    const item = document.createElement('li'), button = document.createElement('button');
    button.append(Object.assign(new Image(160, 120), { src: `samples/${thumb}`, alt: text, loading: 'lazy' }));
    button.addEventListener('click', async () => {
      if (!usable) return;
      problem('');
      const res = await fetch(`samples/${file}`).catch(() => null);
      if (!res?.ok) return problem('This sample could not be loaded. Check the connection, or choose a photo of your own.');
      open(new File([await res.blob()], file, { type: res.headers.get('content-type') || '' }));
    });
    item.append(button);
    return item;
  }));
  $('credits').firstElementChild.textContent = samples.map((o) => o.credit).join('; ');
}

// ---- Without a connection

/** Once all is there, a service worker keeps it for the next time, with the build of LiteRT that was loaded. */
function keepOffline(jspi) {
  navigator.serviceWorker?.register(jspi ? 'sw.js?jspi' : 'sw.js').then(() => navigator.serviceWorker.ready)
    .then(() => { document.documentElement.dataset.offline = ''; }).catch(() => {});
}

const missing = lacking();
if (missing) giveUp(missing);
else {
  startWorker();
  showSamples();
}
