"""The site without Quarto: nbdev processes the chapters, smalldocs renders them, and every link is followed.

    python .ci/docs.py process          nbs/ -> _proc/, as `nbdev_docs` does before it calls Quarto
    python .ci/docs.py render SITE      _proc/ -> SITE/_docs/, no warning allowed
    python .ci/docs.py links SITE       no broken link, anchor or picture, inside the site or into this repository
    python .ci/docs.py names SITE       every public name has its place on a page and is found by the search
    python .ci/docs.py contents SITE    every page is in the sidebar; every picture, saved figures too, has a text; no code has links in it
"""
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from execnb.nbio import read_nb, write_nb
from nbdev.doclinks import _nbpath2html
from nbdev.serve import proc_nbs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT/'tools'))
from sync import NBS, exported_to, notebooks, public_names, settings  # noqa: E402


def process(): proc_nbs(force=True, n_workers=2)


def render(site):
    "Quarto honours the `output-file` that nbdev gives each page (images.html from 00_images.ipynb); for smalldocs, rename."
    shutil.copytree(ROOT/'_proc', site, ignore=shutil.ignore_patterns('_docs', '.*'))
    names = {}
    for path in site.rglob('*.ipynb'):
        new = _nbpath2html(path).with_suffix('.ipynb').name
        if new != path.name: names[path.name] = new
        nb = read_nb(path)
        for cell in nb.cells[:1]: cell.source = re.sub(r'^output-file: .*\n', '', cell.source, flags=re.M)
        write_nb(nb, path)
    for path in [p for glob in ('*.ipynb', '*.md', '*.yml') for p in site.rglob(glob)]:
        text = path.read_text(encoding='utf-8')
        for old, new in names.items(): text = re.sub(rf'(?<![\w/]){re.escape(old)}|(?<=\./){re.escape(old)}', new, text)
        path.write_text(text, encoding='utf-8')
        if path.name in names: path.rename(path.with_name(names[path.name]))
    sys.exit(subprocess.run(['smalldocs', 'render', '--strict', '--quiet', str(site)]).returncode)


class Page(HTMLParser):
    "What a page links to, what can be linked to in it, its pictures and its code."
    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.pictures, self.code, self.pre = {'', 'top'}, [], [], [], 0
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.ids |= {a.get('id') or '', a.get('name') or ''}
        self.links += [v for k, v in attrs if k in ('href', 'src') and v]
        if tag == 'img': self.pictures.append((a.get('src') or '', a.get('alt')))
        self.pre += tag == 'pre'

    def handle_endtag(self, tag): self.pre -= tag == 'pre'

    def handle_data(self, data):
        if self.pre: self.code.append(data)


def pages(site):
    out = site/'_docs'
    if not (out/'index.html').exists(): sys.exit(f'There is no {out/"index.html"}: the site was not rendered.')
    return {p.relative_to(out).as_posix(): Page(p) for p in sorted(out.rglob('*.html'))}


def links(site):
    cfg, found, bad, n = settings(), pages(site), [], 0
    home = cfg['doc_host'] + cfg['doc_baseurl'] + '/'
    ours = re.compile(rf'(?:{re.escape(cfg["git_url"])}/(?:blob|edit|tree)|https://colab\.research\.google\.com/github/{cfg["user"]}/{cfg["repo"]}/blob'
                      rf'|https://raw\.githubusercontent\.com/{cfg["user"]}/{cfg["repo"]})/{cfg["branch"]}/([^#?]+)')
    for name, page in found.items():
        for link in page.links:
            if link.startswith(('data:', 'mailto:', 'javascript:')): continue
            full = urljoin(home + name, link)
            n += 1
            if m := ours.match(full):
                file = unquote(m[1])
                if (NBS/file.removeprefix('nbs/')).suffix == '.ipynb' and not (ROOT/file).exists():  # "edit this page": the renamed chapter
                    file = next((p.relative_to(ROOT).as_posix() for p in notebooks() if _nbpath2html(p).stem == Path(file).stem), file)
                if not (ROOT/file).exists(): bad.append(f'{name}: {link}: there is no {file} in the repository')
            elif full.startswith(home):
                target, anchor = unquote(urlsplit(full[len(home):]).path) or 'index.html', unquote(urlsplit(full).fragment)
                if target.endswith('/'): target += 'index.html'
                if target in found:
                    if anchor not in found[target].ids: bad.append(f'{name}: {link}: {target} has no anchor {anchor}')
                elif not (site/'_docs'/target).is_file(): bad.append(f'{name}: {link}: there is no {target}')
    return bad, f'{n} links on {len(found)} pages'


def names(site):
    found, bad, n = pages(site), [], 0
    search = {o['href'] for o in json.loads((site/'_docs'/'search.json').read_text(encoding='utf-8'))}
    for path in notebooks():
        exp = exported_to(read_nb(path))
        if exp is None: continue
        page = _nbpath2html(path.relative_to(NBS)).as_posix()
        for name, line, heading in public_names(ROOT/'lowlight_nb'/f'{exp}.py'):
            n += 1
            place = f'{page}#{name.lower()}'
            if not heading: continue
            if not line: bad.append(f'{exp}.{name} has no docstring')
            if name.lower() not in found[page].ids: bad.append(f'{exp}.{name} is not shown on {page}')
            elif place not in search: bad.append(f'{exp}.{name}: the search does not know {place}')
    return bad, f'{n} public names'


def contents(site):
    bad, listed = [], re.findall(r'[\w/]+\.(?:ipynb|md)', (NBS/'sidebar.yml').read_text(encoding='utf-8'))
    here = [p.relative_to(NBS).as_posix() for p in [*notebooks(), *NBS.glob('*.md')]]
    bad += [f'{o} is not in nbs/sidebar.yml' for o in here if o not in listed]
    bad += [f'nbs/sidebar.yml lists {o}, which does not exist' for o in listed if o not in here]
    for name, page in pages(site).items():
        bad += [f'{name}: the picture {src[:60]} has no text that says what it shows; a figure of a cell gets it by a line #| fig-alt:'
                for src, alt in page.pictures if not alt]
        bad += [f'{name}: in the comment of a parameter, write {o} without backticks: nbdev makes them a link, which code shows as it is'
                for o in re.findall(r'\[`([^`]+)`\]\(http', ''.join(page.code))]
    return bad, f'{len(listed)} pages'


def main():
    what, *site = sys.argv[1:]
    res = dict(process=process, render=render, links=links, names=names, contents=contents)[what](*map(Path, site))
    if res is None: return
    bad, seen = res
    if bad: sys.exit('\n'.join(dict.fromkeys(bad)))
    print(seen, 'in order')


if __name__ == '__main__': main()
