"""dualdiff over its own history, for asv: the same tasks as benchmarks/compare.py."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
