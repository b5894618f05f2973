"""Bring everything that is made from something else back in step; with --check, only say what is not.

    python tools/sync.py            # write
    python tools/sync.py --check    # exit 1 with a sentence if anything would change

settings.ini gives the owner, the branch and the version; index.ipynb gives README.md; contributing.ipynb gives
CONTRIBUTING.md; the exported modules give the list of names in nbs/api.md. Run it after `nbdev_export`."""
import argparse
import ast
import copy
import io
import re
import sys
import tokenize
from configparser import ConfigParser
from pathlib import Path

from execnb.nbio import nb2str, read_nb
from nbconvert import MarkdownExporter
from nbdev.doclinks import _nbpath2html
from nbdev.quarto import _nbdev_yml
from nbformat import NO_CONVERT, from_dict, read

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT/'nbs'
COLAB = 'https://colab.research.google.com/github'
BADGE = '[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]'
LINKED = ['*.md', '*.cff', 'nbs/**/*.md', 'nbs/**/*.yml']  # text files, besides the notebooks, that name the owner


def settings():
    "What settings.ini says, `%(user)s` and the like filled in."
    parser = ConfigParser(delimiters=['='])
    parser.read(ROOT/'settings.ini', encoding='utf-8')
    return parser['DEFAULT']


def notebooks():
    "Every notebook of the project, in order."
    return [p for p in sorted(NBS.rglob('*.ipynb')) if not any(o[0] in '._' for o in p.relative_to(NBS).parts)]


def is_code(cell): return cell['cell_type'] == 'code'
def flags(cell): return re.findall(r'^#\|\s*(.+?)\s*$', cell['source'], re.M) if is_code(cell) else []
def exported_to(nb): return next((f.split()[1] for c in nb['cells'] for f in flags(c) if f.startswith('default_exp')), None)


# ---- Links and badges: the owner is written in settings.ini alone

def relink(text, cfg):
    "Put the owner and the branch of settings.ini into every link to this repository, its pictures and its pages."
    user, repo, branch = cfg['user'], cfg['repo'], cfg['branch']
    text = re.sub(rf'(github\.com(?:/github)?|research\.google\.com/github|githubusercontent\.com)/[\w.-]+/{repo}(?![\w-])',
                  rf'\g<1>/{user}/{repo}', text)
    text = re.sub(rf'/{repo}/(blob|tree|edit)/[\w.-]+/', rf'/{repo}/\g<1>/{branch}/', text)
    text = re.sub(rf'(raw\.githubusercontent\.com/{user}/{repo})/[\w.-]+/', rf'\g<1>/{branch}/', text)
    return re.sub(rf'//[\w-]+\.github\.io/{repo}(?![\w-])', f'//{user}.github.io/{repo}', text)


def put_badge(nb, path, cfg):
    "Give a notebook its badge, in a cell of its own: the docs turn the whole first cell into the page's title."
    link = f'{COLAB}/{cfg["user"]}/{cfg["repo"]}/blob/{cfg["branch"]}/{path.relative_to(ROOT).as_posix()}'
    for cell in nb['cells']:
        if cell['cell_type'] == 'markdown':
            cell['source'] = '\n'.join(o for o in cell['source'].split('\n') if not o.startswith(BADGE)).rstrip()
    nb['cells'] = [c for c in nb['cells'] if c['source'].strip() or is_code(c)]
    nb['cells'].insert(1, dict(cell_type='markdown', id='colab-badge', metadata={}, source=f'{BADGE}({link})'))


def notebook_text(path, cfg):
    "A notebook as it should be, in the layout that `nbdev_clean` writes."
    nb = read_nb(path)
    if any(is_code(c) for c in nb['cells']) and path.name != 'index.ipynb': put_badge(nb, path, cfg)  # index has its own row
    return relink(nb2str(nb), cfg)


# ---- README.md and CONTRIBUTING.md: notebooks written as Markdown

def visible(nb):
    "The notebook without hidden cells, `#|` lines and magics; the input of `echo: false` cells is dropped too."
    cells = []
    for cell in copy.deepcopy(nb['cells']):
        marks = flags(cell)
        if {'hide', 'include: false'} & set(marks) or cell['source'].startswith(BADGE): continue
        if is_code(cell):
            cell['execution_count'] = None
            cell['metadata'] = {'transient': {'remove_source': True}} if 'echo: false' in marks else {}
            cell['source'] = re.sub(r'^(#\||%).*\n?', '', cell['source'], flags=re.M).strip()
        cells.append(cell)
    return from_dict(dict(nbformat=4, nbformat_minor=5, cells=cells, metadata={'language_info': {'name': 'python'}}))


def absolute(text, path, cfg):
    "Make relative links work anywhere (GitHub, PyPI): pictures as raw files, pages as files on GitHub, their sections on the site, since GitHub shows notebooks without."
    def one(m):
        mark, label, target, anchor = m.groups()
        file = (path.parent/target).resolve().relative_to(ROOT)
        if file.as_posix() == 'nbs/contributing.ipynb': file = Path('CONTRIBUTING.md')
        if anchor and file.suffix == '.ipynb':
            return f'[{label}]({cfg["doc_host"]}{cfg["doc_baseurl"]}/{_nbpath2html(file.relative_to("nbs")).as_posix()}{anchor})'
        where = (f'https://raw.githubusercontent.com/{cfg["user"]}/{cfg["repo"]}/{cfg["branch"]}' if mark
                 else f'{cfg["git_url"]}/blob/{cfg["branch"]}')
        return f'{mark}[{label}]({where}/{file.as_posix()}{anchor or ""})'
    return re.sub(r'(!?)\[([^\]]*)\]\((?![a-z]+:)([^)#\s]+)(#[^)\s]*)?\)', one, text)


def markdown(path, cfg):
    "A notebook as a Markdown file for the top of the repository."
    text, _ = MarkdownExporter().from_notebook_node(visible(read(path, NO_CONVERT)))
    text = re.sub(r'\n{3,}', '\n\n', re.sub(r'[ \t]+$', '', text, flags=re.M)).strip()
    made = f'<!-- Made from {path.relative_to(ROOT).as_posix()} by tools/sync.py: edit the notebook. -->'
    return f'{made}\n\n{absolute(text, path, cfg)}\n'


# ---- nbs/api.md: every public name, with its line

def described(statement, text, comments):
    "What is said about a constant: in the `#:` lines above it, or else in a comment at its end."
    above, line = [], statement.lineno - 1
    while text.split('\n')[line-1].startswith('#:'): above, line = [comments[line][2:].strip(), *above], line - 1
    return ' '.join(above) or comments.get(statement.end_lineno, '').lstrip('#: ')


def public_names(module):
    "(name, its line, has it a heading of its own) for what a module exports, patched methods included."
    text = module.read_text(encoding='utf-8')
    tree = ast.parse(text)
    comments = {t.start[0]: t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT}
    exported = next((ast.literal_eval(o.value) for o in tree.body if isinstance(o, ast.Assign)
                     and getattr(o.targets[0], 'id', '') == '__all__'), [])
    for o in tree.body:
        if isinstance(o, (ast.FunctionDef, ast.ClassDef)):
            line = (ast.get_docstring(o) or '').strip().split('\n')[0]
            if o.name in exported: yield o.name, line, True
            elif any('patch' in ast.unparse(d) for d in o.decorator_list) and o.name[0] != '_':
                yield f'{ast.unparse(o.args.args[0].annotation)}.{o.name}', line, True
        elif isinstance(o, (ast.Assign, ast.AnnAssign)):
            name = getattr(o.targets[0] if isinstance(o, ast.Assign) else o.target, 'id', '')
            if name in exported: yield name, described(o, text, comments), False


def api_page():
    "The page that lists every public name and links to the place where it is explained."
    lines = ['---', 'title: API', 'description: Every public name, with a link to the chapter that explains and tests it.', '---', '',
             '<!-- Made from the exported modules by tools/sync.py. -->', '']
    for path in notebooks():
        nb = read_nb(path)
        exp = exported_to(nb)
        if exp is None or not (ROOT/'lowlight_nb'/f'{exp}.py').exists(): continue
        quote = re.search(r'^>\s*(.+)$', nb['cells'][0]['source'], re.M)
        page = path.relative_to(NBS).as_posix()
        lines += [f'## [lowlight_nb.{exp}]({page})', '', quote[1] if quote else '', '', '| name | what it does |', '|---|---|']
        for name, line, heading in public_names(ROOT/'lowlight_nb'/f'{exp}.py'):
            lines.append(f'| [`{name}`]({page}{"#" + name.lower() if heading else ""}) | {line} |')
        lines.append('')
    return '\n'.join(lines)


# ---- All together

def site(cfg):
    "nbs/nbdev.yml exactly as nbdev writes it before each build of the docs."
    return _nbdev_yml.format(**{k: cfg[k] for k in ('title', 'description', 'branch', 'git_url', 'doc_host', 'doc_baseurl', 'doc_path')})


def citation(cfg):
    "CITATION.cff with the version of settings.ini."
    return re.sub(r'^version: .*$', f'version: {cfg["version"]}', (ROOT/'CITATION.cff').read_text(encoding='utf-8'), flags=re.M)


def wanted(cfg):
    "(file, the text that it should hold), one after the other, so that later ones see what earlier ones wrote."
    for path in notebooks(): yield path, notebook_text(path, cfg)
    for nb, md in (('index', 'README'), ('contributing', 'CONTRIBUTING')):
        if (NBS/f'{nb}.ipynb').exists(): yield ROOT/f'{md}.md', markdown(NBS/f'{nb}.ipynb', cfg)
    yield NBS/'api.md', api_page()
    yield NBS/'nbdev.yml', site(cfg)
    if (ROOT/'CITATION.cff').exists(): yield ROOT/'CITATION.cff', citation(cfg)
    for path in sorted({p for glob in LINKED for p in ROOT.glob(glob)}):
        yield path, relink(path.read_text(encoding='utf-8'), cfg)


def main():
    "Write what has changed, or with --check only name it."
    args = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    args.add_argument('--check', action='store_true', help='change nothing; exit 1 if anything would change')
    check, cfg, stale = args.parse_args().check, settings(), []
    for path, text in wanted(cfg):
        if path.exists() and path.read_text(encoding='utf-8') == text: continue
        stale.append(path.relative_to(ROOT).as_posix())
        if not check: path.write_text(text, encoding='utf-8', newline='\n')
    stale = list(dict.fromkeys(stale))
    if not stale: return print('All in step.')
    if not check: return print('Written: ' + ', '.join(stale))
    sys.exit(f'Not in step: {", ".join(stale)}. Run `python tools/sync.py` and commit what it writes.')


if __name__ == '__main__': main()
