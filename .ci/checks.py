"""The checks that `.ci/run` makes, in order; standard library only, since the environment is what is being made.

A notebook or a check that holds prints `ok`, one that does not prints `FAIL` and why, and the rest goes on."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSED, FAILED, SKIPPED = [], [], []
QUIET = dict(CI='true', TF_CPP_MIN_LOG_LEVEL='3', PIP_QUIET='2', PIP_NO_INPUT='1', PIP_DISABLE_PIP_VERSION_CHECK='1',
             PYTHONNOUSERSITE='1', PYTHONUNBUFFERED='1', MPLBACKEND='agg')


class Failed(Exception):
    "A check does not hold; the text says why."


def report(ok, name, note=''):
    "One line, and one more in the count."
    (PASSED if ok else FAILED).append(name)
    print(f'{"ok  " if ok else "FAIL"}  {name}{"  " + note if note else ""}', flush=True)


def check(name, func, *args):
    "Run one check, say how it went and how long it took, and give back what it returned."
    start = time.time()
    try: res, ok, why = func(*args), True, ''
    except Exception as e:
        res, ok, why = None, False, str(e) if isinstance(e, Failed) else f'{type(e).__name__}: {e}'
    report(ok, name, f'({time.time() - start:.0f} s)' + ''.join(f'\n      {o}' for o in why.strip().split('\n') if why))
    return res


def sh(command, env=None, cwd=ROOT, minutes=10):
    "(exit code, all that was printed) of a bash command with `env` active; a command out of time is stopped whole."
    vars = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'PYTHONHOME', 'IN_TEST')} | QUIET
    if env: vars |= dict(VIRTUAL_ENV=str(env), PATH=f'{env/"bin"}{os.pathsep}{os.environ["PATH"]}')
    with tempfile.TemporaryFile('w+', encoding='utf-8', errors='replace') as log:
        run = subprocess.Popen(['bash', '-c', command], cwd=cwd, env=vars, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               start_new_session=True)
        try: code = run.wait(minutes*60)
        except subprocess.TimeoutExpired: code = f'none: stopped after {minutes} minutes'
        finally:
            try: os.killpg(run.pid, signal.SIGKILL)  # workers left behind as well
            except ProcessLookupError: pass
        run.wait()
        log.seek(0)
        return code, log.read()


def must(command, *args, **kwargs):
    "What a command printed; `Failed` with its last lines unless it exits 0."
    code, out = sh(command, *args, **kwargs)
    if code != 0: raise Failed(f'`{command}`: exit code {code}\n' + tail(out))
    return out


def tail(text, n=40): return '\n'.join(text.strip().split('\n')[-n:])
def tracked(): return [o for o in must('git ls-files -z').split('\0') if o and (ROOT/o).is_file()]
def note_books(): return [o for o in tracked() if re.fullmatch(r'nbs/([^._][^/]*/)*[^._][^/]*\.ipynb', o)]


def new_env(path):
    "A fresh virtual environment at `path`."
    venv.create(path, with_pip=True)
    return path


# ---- Tests

def readme_command(start):
    "The line of README.md that begins so: what it tells people to type is what is run."
    found = re.findall(rf'^{re.escape(start)}.*$', (ROOT/'README.md').read_text(encoding='utf-8'), re.M)
    if len(found) != 1: raise Failed(f'README.md has {len(found)} lines that begin with `{start}`; there must be one.')
    return found[0]


def tests(env):
    """The fast tests by the README's own command, which also installs the package in the fresh environment.

    A notebook passed if it was completed and not named as failed."""
    try: command = readme_command('pip install -e ".[dev]"')
    except Failed as e: return report(False, 'the test command of README.md', str(e))
    start, books = time.time(), note_books()
    code, out = sh(command + ' --do_print --timing', env, minutes=35)
    done = set(re.findall(r'^- Completed (.+)$', out, re.M))
    named = set(re.findall(r'^\t(.+\.ipynb)$', out.partition('nbdev Tests Failed On')[2], re.M))
    secs = dict(re.findall(r'^(\S+\.ipynb): (\d+) secs$', out, re.M))
    bad = [b for b in books if str(ROOT/b) not in done or Path(b).name in named]
    for b in books: report(b not in bad, f'notebook {b}', f'({secs[Path(b).name]} s)' if Path(b).name in secs else '')
    why = 'exit code ' + str(code) if code != 0 else 'no notebook was run' if not done else ''
    report(not why and not bad, f'notebooks: {command}', f'({time.time() - start:.0f} s) {why}')
    if why or bad: print(tail(re.sub(r'^(Starting |- Completed |WARNING: All log messages|[IWE]0000 ).*\n', '', out, flags=re.M), 150))


def whole(env):
    "Every notebook from top to bottom, slow cells too, in an empty folder: as somebody runs it who opened it in Colab."
    def run(book):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(ROOT/book, folder)
            must(f'jupyter nbconvert --execute --to notebook --log-level ERROR --output done "{Path(book).name}"', env, folder, 20)
    with ThreadPoolExecutor(2) as pool: list(pool.map(lambda book: check(f'whole notebook {book}', run, book), note_books()))


# ---- Notebooks, modules and README in step

def state():
    "What git sees changed or new: in a clean clone nothing."
    return must('git diff && git ls-files --others --exclude-standard')


def step(env):
    def clean():
        before = state()
        must('nbdev_clean && nbdev_export', env)
        if (after := state()) != before:
            raise Failed('Run `nbdev_clean` and `nbdev_export` and commit what they write. They changed:\n'
                         + (must('git diff --stat') or after))
    check('step: notebooks clean, modules exported', clean)
    check('step: README, badges, links and lists', lambda: must('python tools/sync.py --check', env))


# ---- What is tracked

def tracked_files(env):
    def sizes():
        files, seen = tracked(), {}
        big = [f'{o} ({(ROOT/o).stat().st_size/1e6:.1f} MB)' for o in files if (ROOT/o).stat().st_size > 3e6]
        if big: raise Failed('Larger than 3 MB: ' + ', '.join(big))
        for o in files:
            if (ROOT/o).stat().st_size > 50_000: seen.setdefault(hashlib.sha256((ROOT/o).read_bytes()).hexdigest(), []).append(o)
        twice = [' = '.join(o) for o in seen.values() if len(o) > 1]
        if twice: raise Failed('The same file twice: ' + ', '.join(twice))

    def outputs():
        bad = []
        for b in note_books():
            for c in json.loads((ROOT/b).read_text(encoding='utf-8'))['cells']:
                for o in c.get('outputs', []):
                    text = json.dumps(o)
                    if len(text) > 210_000: bad.append(f'{b}: an output of {len(text)*3//4000} KB (at most 150 KB)')
                    if o['output_type'] == 'error': bad.append(f'{b}: an error is saved as output: {o["ename"]}')
                    if m := re.search(r'(?<![\w.])/(work|root|home|Users|tmp)/[\w./-]+', text): bad.append(f'{b}: a path of one machine, {m[0]}')
        if bad: raise Failed('\n'.join(bad))

    def lol():
        bad = [o for o in tracked() if re.search(r'\.(png|jpe?g|webp|bmp|tiff?)$', o, re.I)
               and (re.search(r'lol|our485|eval15', o, re.I) or re.fullmatch(r'\d+', Path(o).stem))]
        if bad: raise Failed('Pictures of LOL-v1 are not ours to pass on: ' + ', '.join(bad))
    check('tracked: nothing large, nothing twice', sizes)
    check('tracked: saved outputs small, without errors or paths', outputs)
    check('tracked: no picture of LOL-v1', lol)


# ---- The wheel, alone

def build_wheel(env, tmp):
    "Build the source archive from the tracked files alone, the wheel from the archive, and look inside."
    src = tmp/'source'
    for o in tracked():
        (src/o).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT/o, src/o)
    must(f'python -m build --outdir "{tmp/"dist"}"', env, src)
    wheel = next((tmp/'dist').glob('*.whl'))
    if wheel.stat().st_size > 12e6: raise Failed(f'The wheel has {wheel.stat().st_size/1e6:.1f} MB, more than 12.')
    names = '\n'.join(zipfile.ZipFile(wheel).namelist())
    for what, pattern in dict(weights=r'^lowlight_nb/weights/\S+\.tflite$', samples=r'^lowlight_nb/sample_pairs/\S+\.(png|jpg|webp)$',
                              credits=r'^lowlight_nb/sample_pairs/\S+\.(csv|md|txt)$', tables=r'^lowlight_nb/tables/\S+\.csv$',
                              licence=r'dist-info/licenses/LICENSE$').items():
        if not re.search(pattern, names, re.M): raise Failed(f'The wheel has no {what} (no file like {pattern}).')
    return wheel


def wheel(env):
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        built = check('wheel: builds, small, with weights, samples, credits, licence', build_wheel, env, tmp)
        if not built: return report(False, 'wheel: works alone', 'there is none')
        check('wheel: PyPI would take it and the source archive', lambda: must(f'twine check --strict "{tmp}"/dist/*', env))
        alone = tmp/'alone'

        def install():
            new_env(alone)
            must(f'pip install "{built}"', alone, tmp)
            for name in ('tensorflow', 'keras'):
                if sh(f'python -c "import {name}"', alone, tmp)[0] == 0: raise Failed(f'{name} was installed with it.')

        def enhance():
            sample = must('python -c "from lowlight_nb.data import samples; print(samples()[0].low)"', alone, tmp).strip()
            out = tmp/f'bright{Path(sample).suffix}'
            must(f'lowlight enhance "{sample}" -o "{out}"', alone, tmp)
            shape = "import imageio.v3 as iio, sys; a, b = map(iio.imread, sys.argv[1:]); print(a.shape[:2] == b.shape[:2], b.mean() > a.mean() + 10)"
            if must(f'python -c "{shape}" "{sample}" "{out}"', alone, tmp).split() != ['True', 'True']:
                raise Failed('The result has another size than the picture, or is not brighter.')
            if sh('lowlight enhance missing.jpg', alone, tmp)[0] != 1: raise Failed('A missing file does not exit with 1.')

        def demo():
            must('lowlight demo', alone, tmp)
            if not (tmp/'lowlight_demo.png').read_bytes().startswith(b'\x89PNG'): raise Failed('lowlight_demo.png is no PNG.')

        def light():
            heavy = must('python -c "import sys, lowlight_nb.cli, lowlight_nb.enhance; '
                         'print(*({\'keras\', \'tensorflow\', \'matplotlib\'} & set(sys.modules)))"', alone, tmp).strip()
            if heavy: raise Failed(f'Importing the command line imports {heavy}.')
            said, version = must('lowlight --version', alone, tmp), re.search(r'^version *= *(.+)$', (ROOT/'settings.ini').read_text(), re.M)[1]
            if version not in said: raise Failed(f'`lowlight --version` says {said.strip()}, settings.ini {version}.')
        check('wheel: installs alone, without TensorFlow', install)
        check('wheel: lowlight enhance', enhance)
        check('wheel: lowlight demo', demo)
        check('wheel: starts light, knows its version', light)


# ---- The page that runs the network in a browser

def chromium():
    "A Chromium, installed if this machine lets us; None where there is none."
    names = ('chromium', 'chromium-browser', 'google-chrome')
    find = lambda: next(filter(None, map(shutil.which, names)), None)
    if not find() and shutil.which('apt-get') and os.getuid() == 0:
        sh('apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium')
    return find()


def try_page(env):
    "Build the page and use it in headless Chromium; what it makes of pictures must be what Python makes of them."
    weights = ROOT/'lowlight_nb'/'weights'/'lantern.keras'
    browser = chromium() if weights.exists() and shutil.which('npm') else None
    why = f'there is no {weights.name}' if not weights.exists() else 'there is no npm' if not shutil.which('npm') else 'there is no Chromium'
    if not browser:
        SKIPPED.append('try')
        return print(f'skip  try: the page in a browser  ({why})', flush=True)
    with tempfile.TemporaryDirectory() as tmp:
        check('try: builds', lambda: must(f'python tools/build_try.py "{tmp}/site/try"', env))
        exact = weights.with_name('lantern_float.tflite')  # the page computes in floating point, too
        check('try: pictures from Python', lambda: must(f'python .ci/try/pictures.py "{tmp}/pictures" "{exact}"', env))
        code, out = sh(f'CHROMIUM="{browser}" node .ci/try/test.mjs "{tmp}/site" "{tmp}/pictures"', env)
        for ok, name, note in re.findall(r'^(ok|FAIL)  (.+?)  (.*)$', out, re.M): report(ok == 'ok', f'try: {name}', note)
        if code not in (0, 1) or not out.startswith('ok'): report(False, 'try: the browser', f'exit code {code}\n{tail(out)}')


# ---- The site

def docs(env):
    with tempfile.TemporaryDirectory() as tmp:
        check('docs: chapters processed by nbdev', lambda: must('python .ci/docs.py process', env, minutes=15))
        check('docs: rendered without a warning', lambda: must(f'python .ci/docs.py render "{tmp}/site"', env))
        for what in ('links', 'names', 'contents'):
            check(f'docs: {what}', lambda: must(f'python .ci/docs.py {what} "{tmp}/site"', env))
        if not (browser := chromium() if shutil.which('npm') else None):
            SKIPPED.append('docs: for everyone')
            return print('skip  docs: for everyone  (there is no npm or no Chromium)', flush=True)
        def axe():
            must('test -e node_modules/axe-core || npm ci --no-fund --no-audit --loglevel error', cwd=ROOT/'web')
            must(f'CHROMIUM="{browser}" node .ci/try/axe.mjs "{tmp}/site/_docs"', env, minutes=15)
        check('docs: no serious fault that keeps people out, no page wider than a phone', axe)


PARTS = dict(tests=tests, whole=whole, step=step, tracked=tracked_files, wheel=wheel, docs=docs) | {'try': try_page}


def main():
    wanted = sys.argv[1:] or list(PARTS)
    if odd := set(wanted) - set(PARTS): sys.exit(f'There is no part {", ".join(sorted(odd))}: choose from {", ".join(PARTS)}.')
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f'Python 3.11, 3.12 or 3.13 is needed; this is {sys.version.split()[0]}. Another one is named with PYTHON=python3.12 bash .ci/run.')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary folders are removed
    start = time.time()
    print(f'Python {sys.version.split()[0]}, {os.cpu_count()} cores: {" ".join(wanted)}', flush=True)
    with tempfile.TemporaryDirectory(prefix='lowlight_ci_') as tmp:
        env = Path(os.environ['CI_ENV']).resolve() if 'CI_ENV' in os.environ else new_env(Path(tmp)/'env')
        if 'CI_ENV' not in os.environ and 'tests' not in wanted:
            check('install for development', lambda: must('pip install -e ".[dev]"', env, minutes=30))
        for part in wanted: PARTS[part](env)
    print(f'      all in {(time.time() - start)/60:.1f} minutes')
    print(f'{len(PASSED)} passed, {len(FAILED)} failed' + (f', {len(SKIPPED)} skipped' if SKIPPED else ''), flush=True)
    sys.exit(bool(FAILED))


if __name__ == '__main__': main()
