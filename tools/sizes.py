"""What a picture of each size costs on this machine: seconds, processor time and peak memory of `lowlight enhance`.

    python tools/sizes.py [--model NAME|FILE.tflite] [--megapixels 0.24 2 12 50 150]

Dark JPEGs are made from the bundled samples, side by side, and each is enhanced by the command in a process of its own.
The table goes to lowlight_nb/tables/sizes.csv, which the chapter on enhancing shows. Needs Linux or macOS."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lowlight_nb.data import _write_table
from lowlight_nb.enhance import DEFAULT_MODEL, _cores

TABLE = Path(__file__).resolve().parent.parent/'lowlight_nb'/'tables'/'sizes.csv'
SHAPES = {.24: (600, 400), 2: (1600, 1250), 12: (4000, 3000), 50: (8000, 6250), 150: (15000, 10000)}  # megapixels: width, height
MAKE = '''
import sys
from PIL import Image
from lowlight_nb.data import samples
path, w, h = sys.argv[1], *map(int, sys.argv[2:])
picture, tiles = Image.new('RGB', (w, h)), [Image.open(o.low).convert('RGB').resize((600, 400)) for o in samples()]
for y in range(0, h, 400):
    for x in range(0, w, 600): picture.paste(tiles[(x//600 + y//400) % len(tiles)], (x, y))
picture.save(path, quality=90)
'''


def measured(command):
    "Seconds, seconds of processor time and peak of memory in GB of a command. (This process stays small, as a child counts what its parent had.)"
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode: sys.exit(child.returncode)
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / (1e9 if sys.platform == 'darwin' else 1e9/1024)


def main():
    "Make each picture, enhance it, write the table."
    args = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    args.add_argument('--model', default=DEFAULT_MODEL)
    args.add_argument('--megapixels', type=float, nargs='+', default=list(SHAPES), choices=list(SHAPES))
    args = args.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as d:
        for mp in args.megapixels:
            dark, (w, h) = f'{d}/{mp:g}.jpg', SHAPES[mp]
            subprocess.run([sys.executable, '-c', MAKE, dark, str(w), str(h)], check=True)
            command = [sys.executable, '-c', 'import sys; from lowlight_nb.cli import main; sys.exit(main())', 'enhance', dark, '-o', f'{d}/out.jpg', '--overwrite', '--model', args.model]
            runs = [measured(command) for _ in range(5 if mp < 5 else 3 if mp < 20 else 1)]
            seconds, processor, _ = (statistics.median(o) for o in zip(*runs))
            rows.append(dict(megapixels=f'{mp:g}', width=w, height=h, model=args.model, threads=_cores(), seconds=f'{seconds:.2f}',
                             processor_seconds=f'{processor:.2f}', peak_gb=f'{max(o[2] for o in runs):.2f}'))
            print(rows[-1], flush=True)
    _write_table(TABLE, rows)


if __name__ == '__main__': main()
