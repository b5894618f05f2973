"""Halve a .keras file that is to ship: python tools/half_keras.py lowlight_nb/weights/lantern.keras

Its weights are rounded to 16 bits, and the 13 bits of each that are zero then are packed away. Keras reads it as any other.
Its .tflite files are made of it afterwards, by lowlight export with --int8 and --half."""
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from lowlight_nb.export import export_model, load_model


def halve(path):
    "Round the weights in the file at `path`, and write it again, packed."
    model = load_model(path)
    model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])
    export_model(model, path)
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist(): new.writestr(zipfile.ZipInfo(entry), old.read(entry), zipfile.ZIP_DEFLATED, 9)
    path.write_bytes(packed.getvalue())


if __name__ == '__main__':
    for name in sys.argv[1:]:
        halve(Path(name))
        print(f'{name}: {Path(name).stat().st_size/1e6:.1f} MB')
