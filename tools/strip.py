"""Make nbs/images/strip.jpg, the picture at the top of the README: python tools/strip.py

A few bundled samples, dark above and enhanced below, with the default weights. Run it when either changes."""
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from lowlight_nb.data import load_pair, samples
from lowlight_nb.enhance import DEFAULT_MODEL, Enhancer

OUT = Path(__file__).resolve().parent.parent/'nbs'/'images'/'strip.jpg'
HEIGHT, GAP, MOST = 240, 6, 150_000  # pixels, pixels, bytes


def cut(pixels):
    "A picture as it stands in the strip: cut to 4:3 around its middle and scaled to `HEIGHT`."
    return np.asarray(ImageOps.fit(Image.fromarray(pixels), (HEIGHT*4//3, HEIGHT), Image.Resampling.LANCZOS))


def beside(pictures, axis):
    "Pictures in a row (axis 1) or a column (axis 0), a white gap between them."
    gap = np.full((GAP, pictures[0].shape[1], 3) if axis == 0 else (pictures[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([o for p in pictures for o in (p, gap)][:-1], axis)


def strip(pairs, model):
    "The dark pictures in a row, and below each what the model makes of it."
    enhance, lows = Enhancer(model), [load_pair(p)[0] for p in pairs]
    return beside([beside([cut(o) for o in row], 1) for row in (lows, map(enhance, lows))], 0)


def main(names):
    "Write the strip of the named samples (default: the first three) in the best JPEG quality that keeps it small."
    pairs = [p for p in samples() if p.name in names] if names else samples()[:3]
    picture = Image.fromarray(strip(pairs, DEFAULT_MODEL))
    for quality in range(92, 40, -4):
        data = io.BytesIO()
        picture.save(data, 'JPEG', quality=quality, optimize=True, progressive=True)
        if data.tell() <= MOST: break
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(data.getvalue())
    print(f'{OUT.name}: {", ".join(p.name for p in pairs)}; {picture.width}x{picture.height}, {data.tell()//1000} KB, quality {quality}')


if __name__ == '__main__': main(sys.argv[1:])
