"""Make the network that the try-it page runs: python tools/tile_model.py OUT [MODEL.keras]

A browser's LiteRT cannot resize a network's inputs, so this file has one fixed shape: batch 1, `SIDE` x `SIDE` pixels.
`SIDE` times 1/2, 1/4, ... is a side that no other tensor of the network has: the page (nbs/try/worker.js) finds the tensors
that belong to the picture by it, and writes the size it needs into their shapes before it loads the file. Weights are in
16 bits. Beside OUT goes OUT.json, with what the page must know. Needs TensorFlow."""
import json
import logging
import os
import sys
from importlib.resources import files
from pathlib import Path

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import keras  # noqa: E402

from lowlight_nb.export import bytes_per_pixel, load_model, margin, stride  # noqa: E402

SIDE = 208  # 208, 104, 52
MOST = 2_200_000  # bytes, for the page's sake
WEIGHTS = files('lowlight_nb')/'weights'/'lantern.keras'


def tile_model(model, path):
    "Write `model` (three inputs, two outputs) as LiteRT for one picture of `SIDE` x `SIDE`."
    import tensorflow as tf
    shapes = dict(picture=(1, SIDE, SIDE, 3), thumbnail=(1, 64, 64, 3), brightness=(1, 1))
    inputs = [keras.Input(batch_shape=s, name=n) for n, s in shapes.items()]
    logging.getLogger('tensorflow').setLevel(logging.ERROR)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, model(inputs)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.optimizations, converter.target_spec.supported_types = [tf.lite.Optimize.DEFAULT], [tf.float16]
    data = converter.convert()
    if len(data) > MOST: sys.exit(f'The tile model has {len(data)/1e6:.1f} MB, more than {MOST/1e6:.1f}: too much for a page.')
    facts = dict(side=SIDE, stride=stride(model), margin=margin(model), bytesPerPixel=round(bytes_per_pixel(model)), bytes=len(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_name(path.name + '.json').write_text(json.dumps(facts) + '\n', encoding='utf-8')
    return facts


def main():
    if not 2 <= len(sys.argv) <= 3: sys.exit(__doc__)
    source = Path(sys.argv[2] if len(sys.argv) > 2 else str(WEIGHTS))
    if not source.exists(): sys.exit(f'There is no {source}; give the path of a .keras file.')
    print(tile_model(load_model(source), Path(sys.argv[1])))


if __name__ == '__main__': main()
