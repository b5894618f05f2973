"Everything that setup needs is in settings.ini, which nbdev reads as well."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_namespace_packages, setup

here = Path(__file__).parent
parser = ConfigParser(delimiters=['='])
parser.read(here/'settings.ini', encoding='utf-8')
cfg = parser['DEFAULT']
extras = {k.removesuffix('_requirements'): cfg[k].split() for k in cfg if k.endswith('_requirements')}
for whole, parts in dict(chapters=('train', 'heic', 'raw', 'video'), dev=('chapters',)).items(): extras[whole] += [o for k in parts for o in extras[k]]
statuses = ['', '1 - Planning', '2 - Pre-Alpha', '3 - Alpha', '4 - Beta', '5 - Production/Stable']
pythons = [f'Programming Language :: Python :: 3{o}' for o in ('', '.11', '.12', '.13')]

setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'],
    author=cfg['author'], author_email=cfg['author_email'], url=cfg['git_url'],
    project_urls={'Documentation': cfg['doc_host'] + cfg['doc_baseurl'], 'Issues': cfg['git_url'] + '/issues',
                  'Changelog': f'{cfg["git_url"]}/blob/{cfg["branch"]}/CHANGELOG.md'},
    long_description=(here/'README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
    classifiers=[f'Development Status :: {statuses[int(cfg["status"])]}', 'Intended Audience :: ' + cfg['audience'],
                 'Natural Language :: ' + cfg['language'], *pythons, 'Topic :: Multimedia :: Graphics'],
    # The folders of weights, samples and tables count as packages: without that setuptools warns at length.
    packages=find_namespace_packages(include=['lowlight_nb', 'lowlight_nb.*'], exclude=['*.__pycache__*']), include_package_data=True,
    python_requires='>=' + cfg['min_python'], install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points={'console_scripts': cfg['console_scripts'].split(), 'nbdev': [f'{cfg["lib_name"]}={cfg["lib_name"]}._modidx:d']},
    zip_safe=False)
