"""Make the corpus and say what is in it."""

import argparse
from collections import Counter
from pathlib import Path

from corpus import make

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=Path, help="an empty or new folder")
parser.add_argument("--seed", type=int, default=1)
given = parser.parse_args()
for kind, number in Counter(entry.kind for entry in make(given.folder.absolute(), given.seed)).items():
    print(f"{number:4d}  {kind}")
