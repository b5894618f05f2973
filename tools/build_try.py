"""Build the try-it page: python tools/build_try.py OUT [MODEL.keras]

OUT gets the page (nbs/try), LiteRT for browsers (from npm, as web/package-lock.json says), the network at a fixed shape
(tools/tile_model.py, from the package's weights or from MODEL.keras, which has MODEL.tflite beside it) and the sample
pictures. OUT may be the folder `try` of the rendered site, or any folder that a web server serves. Needs npm and TensorFlow."""
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageOps

from lowlight_nb.data import load_pair, sample_credits, samples
from lowlight_nb.enhance import Enhancer

ROOT = Path(__file__).resolve().parent.parent
PAGE, WEB, MADE = ROOT/'nbs'/'try', ROOT/'web', ROOT/'build'/'try'
WEIGHTS = ROOT/'lowlight_nb'/'weights'/'lantern.keras'
TEXTS = dict(astronaut='Portrait of an astronaut', bee='A bee on a flower', chelsea='A ginger cat', coast='A coast',
             coffee='A cup of coffee', tulips='Tulips')


def litert(out):
    "LiteRT and the three builds of its WebAssembly that need no special headers; one line of it, an import by name, becomes one by path."
    subprocess.run(['npm', 'ci', '--no-fund', '--no-audit', '--loglevel', 'error'], cwd=WEB, check=True)
    package = WEB/'node_modules'/'@litertjs'
    out.mkdir()
    text = (package/'core'/'dist'/'index.js').read_text(encoding='utf-8')
    if text.count('"@litertjs/wasm-utils"') != 1: sys.exit('@litertjs/core does not import what it did; look at tools/build_try.py.')
    (out/'index.js').write_text(text.replace('"@litertjs/wasm-utils"', '"./wasm_utils.js"').partition('\n//# sourceMappingURL')[0] + '\n', encoding='utf-8')
    text = (package/'wasm-utils'/'dist'/'index.js').read_text(encoding='utf-8')
    (out/'wasm_utils.js').write_text(text.partition('\n//# sourceMappingURL')[0] + '\n', encoding='utf-8')
    for name in ('litert_wasm_internal', 'litert_wasm_compat_internal', 'litert_wasm_jspi_internal'):
        for end in ('.js', '.wasm'): shutil.copyfile(package/'core'/'wasm'/(name + end), out/(name + end))
    shutil.copyfile(ROOT/'LICENSE', out/'LICENSE')  # LiteRT has the licence of this project, Apache-2.0


def network(out, weights):
    "The network at a fixed shape, made anew only when its weights or its maker have changed."
    maker = ROOT/'tools'/'tile_model.py'
    made = MADE/hashlib.sha256(weights.read_bytes() + maker.read_bytes()).hexdigest()[:16]/'lantern.tflite'
    if not made.with_name('lantern.tflite.json').exists(): subprocess.run([sys.executable, maker, made, weights], check=True)
    shutil.copytree(made.parent, out)


def sample_files(out, model):
    "The dark samples, small pictures to choose them by (half dark, half enhanced), and their texts and credits."
    out.mkdir()
    credits, enhance, rows = {Path(r['file']).stem: r for r in sample_credits()}, Enhancer(str(model)), []
    for pair in samples():
        low, _ = load_pair(pair)
        bright = enhance(low)
        bright[:, :low.shape[1]//2] = low[:, :low.shape[1]//2]
        thumb = ImageOps.fit(Image.fromarray(bright), (320, 240), Image.Resampling.LANCZOS)
        thumb.save(out/f'{pair.name}_small.webp', quality=80, method=6)
        shutil.copyfile(pair.low, out/Path(pair.low).name)
        credit = credits[pair.name]
        rows.append(dict(name=pair.name, file=Path(pair.low).name, thumb=f'{pair.name}_small.webp',
                         text=f'{TEXTS.get(pair.name, pair.name)}, the left half dark, the right half enhanced',
                         credit=f'{pair.name} by {credit["author"]} ({credit["licence"]})'))
    (out/'samples.json').write_text(json.dumps(rows, indent=1) + '\n', encoding='utf-8')


def keep(out):
    "Tell the service worker what to keep, under a name that changes with the content."
    files = sorted(p for p in out.rglob('*') if p.is_file() and p.name not in ('sw.js', 'LICENSE')
                   and (p.parent.name != 'samples' or p.suffix == '.json' or '_small' in p.name))
    version = hashlib.sha256(b''.join(p.read_bytes() for p in files)).hexdigest()[:12]
    names = ['./', *(p.relative_to(out).as_posix() for p in files)]
    text = (PAGE/'sw.js').read_text(encoding='utf-8')
    for old, new in (("const VERSION = 'dev';", f"const VERSION = 'try-{version}';"), ('const FILES = [];', f'const FILES = {json.dumps(names)};')):
        if text.count(old) != 1: sys.exit(f'sw.js has no line `{old}`.')
        text = text.replace(old, new)
    (out/'sw.js').write_text(text, encoding='utf-8')


def main():
    if not 2 <= len(sys.argv) <= 3: sys.exit(__doc__)
    out, weights = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else WEIGHTS
    for file in (weights, weights.with_suffix('.tflite')):
        if not file.exists(): sys.exit(f'There is no {file}; give the path of a .keras file that has its .tflite file beside it.')
    if out.exists(): shutil.rmtree(out)
    shutil.copytree(PAGE, out, ignore=shutil.ignore_patterns('.*'))
    network(out/'model', weights)
    litert(out/'litert')
    sample_files(out/'samples', weights.with_suffix('.tflite'))
    keep(out)
    print(f'{out}: {sum(p.stat().st_size for p in out.rglob("*") if p.is_file())/1e6:.1f} MB')


if __name__ == '__main__': main()
