"""How fast a folder is enhanced, beside the bare interpreter: pictures a second, and the network's share of the work.

    python tools/batch_speed.py [--model NAME|FILE.tflite] [--count 200] [--rounds 3] [--sharing]

A folder of pictures of 600x400 is made from the bundled samples, as JPEG and as PNG, and enhanced. The bare interpreter
is the same networks on the same number of threads, each fed one array over and over: no reading, no rounding, no writing.
The three take turns, and each is compared with the bare interpreter of its own round, the median of which is shown.
--sharing also tries other ways to share out the cores."""
import argparse
import resource
import statistics
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from lowlight_nb.batch import enhance_files, plan, workers
from lowlight_nb.data import load_pair, samples
from lowlight_nb.enhance import DEFAULT_MODEL, Enhancer
from lowlight_nb.images import write_picture


def measured(work):
    "Seconds on the clock and seconds of processor time."
    def used(): return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    wall, cpu = time.perf_counter(), used()
    work()
    return time.perf_counter() - wall, used() - cpu


def bare(networks, picture, count):
    "Only the interpreters, all at once, on arrays that are ready."
    def loop(net):
        _, x, _ = next(net._tiles(picture))
        extra = net._whole(picture, None)
        inputs = {'picture' if extra else next(iter(net.inputs)): x} | extra
        for _ in range(count // len(networks)): net._run(**inputs)
    threads = [threading.Thread(target=loop, args=(o,)) for o in networks]
    for o in threads: o.start()
    for o in threads: o.join()


def line(name, count, runs, base):
    "One row of the table, from (seconds, processor seconds) of each round and of the bare interpreter in the same round."
    seconds, speed, share = (statistics.median(o) for o in zip(*((x[0], b[0]/x[0], b[1]/x[1]) for x, b in zip(runs, base))))
    print(f'| {name} | {count/seconds:.1f} | {speed:.0%} | {statistics.median(o[1] for o in runs)/count*1e3:.0f} | {share:.0%} |', flush=True)


def main():
    "Make the folders, measure, print the table."
    args = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    args.add_argument('--model', default=DEFAULT_MODEL)
    args.add_argument('--count', type=int, default=200)
    args.add_argument('--rounds', type=int, default=3)
    args.add_argument('--sharing', action='store_true')
    args = args.parse_args()
    pictures = [np.asarray(Image.fromarray(load_pair(p)[0]).resize((600, 400))) for p in samples()]
    ways = [workers(args.count)]
    if args.sharing: ways += [o for o in [(1, ways[0][0]*ways[0][1]), (1, 1)] if o not in ways]
    print(f'{args.count} pictures of 600x400, {args.model}\n\n| | pictures a second | of the bare interpreter | ms of processor time each | the network\'s share |\n|---|---|---|---|---|')
    with tempfile.TemporaryDirectory() as d:
        for n, threads in ways:
            networks = [Enhancer(args.model, threads=threads) for _ in range(n)]
            for o in networks: o(pictures[0])
            works = {'bare interpreter': lambda: bare(networks, pictures[0], args.count)}
            for ext, name in dict(jpg='JPEG', png='PNG').items():
                folder = Path(d)/ext
                folder.mkdir(exist_ok=True)
                for i in range(args.count): write_picture(pictures[i % len(pictures)], folder/f'{i}.{ext}', overwrite=True)
                jobs, _ = plan([folder], Path(d)/f'out_{ext}', overwrite=True)
                works[name] = partial(enhance_files, jobs, networks, overwrite=True)
            rounds = [[measured(work) for work in works.values()] for _ in range(args.rounds)]  # in turn, since other jobs come and go
            for name, *runs in zip(works, *rounds):
                line(f'{name}, {n} network{"s"*(n > 1)} x {threads} thread{"s"*(threads > 1)}', args.count, runs, [o[0] for o in rounds])


if __name__ == '__main__': main()
