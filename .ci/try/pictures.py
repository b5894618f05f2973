"""What the try-it page is tested with: python .ci/try/pictures.py OUT MODEL.tflite

Pictures to be opened, and as expected/*.png what Python makes of them with the same weights."""
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from lowlight_nb.data import load_pair, samples
from lowlight_nb.enhance import Enhancer

out, enhance = Path(sys.argv[1]), Enhancer(sys.argv[2])
(out/'expected').mkdir(parents=True, exist_ok=True)


def both(name, pixels, **how):
    "A picture, and what Python makes of it."
    Image.fromarray(pixels).save(out/name, compress_level=1)
    Image.fromarray(enhance(pixels, **how)).save(out/'expected'/name, compress_level=1)


lows = {p.name: load_pair(p)[0] for p in samples()}
for name, low in lows.items(): Image.fromarray(enhance(low)).save(out/'expected'/f'{name}.png')
coffee = Image.fromarray(lows['coffee'])
both('sliders.png', lows['coffee'], brightness=.6, strength=.5)
both('tiny.png', lows['coffee'][100:103, 100:105])
both('tall.png', np.asarray(coffee.resize((90, 700))))
both('grey.png', lows['astronaut'][..., 1:2].repeat(3, 2))
half = np.dstack([lows['astronaut'], np.full(lows['astronaut'].shape[:2], 255, np.uint8)])
half[:, :200, 3] = 0  # nobody sees the left side
Image.fromarray(half).save(out/'half.png')
Image.fromarray(np.dstack([enhance(half), half[..., 3]])).save(out/'expected'/'half.png')
half[..., 3] = np.linspace(64, 255, half.shape[1]).astype(np.uint8)  # the more to the left, the less
for name in ('fade.png', 'fade.webp'): Image.fromarray(half).save(out/name, lossless=True)
Image.fromarray(np.dstack([enhance(half), half[..., 3]])).save(out/'expected'/'fade.png')
Image.new('RGB', (70_000, 20), (9, 9, 9)).save(out/'long.png')
both('600x400.png', np.asarray(coffee.resize((600, 400))))
large = np.asarray(Image.fromarray(lows['bee']).resize((4000, 3000), Image.Resampling.BICUBIC)).astype(np.int16)
large += np.random.default_rng(0).integers(-1, 2, (3000, 4000, 1), dtype=np.int16)
both('12mp.png', large.clip(0, 255).astype(np.uint8))

exif = Image.Exif()
exif[0x112] = 6  # turned by a quarter: the browser and Python show it upright
coffee.save(out/'turned.jpg', quality=95, subsampling=0, exif=exif)
Image.fromarray(enhance(out/'turned.jpg')).save(out/'expected'/'turned.png')
(out/'text.jpg').write_text('This is no picture.')
(out/'empty.png').write_bytes(b'')
(out/'cut.png').write_bytes((out/'600x400.png').read_bytes()[:60])
