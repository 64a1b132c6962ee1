"""Where the examples put their pictures: examples/output/, or the path given as argument."""

import sys
from pathlib import Path


def path(script):
    """Path of the picture of a script."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    out = Path(script).with_name("output") / (Path(script).stem + ".png")
    out.parent.mkdir(exist_ok=True)
    return out


def save(fig, where):
    """Write a figure and say so."""
    fig.savefig(where, dpi=120)
    print(f"picture: {where}")
