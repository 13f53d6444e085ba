"""Options of the benchmarks."""

import sys
from pathlib import Path

# As for a script: the modules of this folder import each other by their names.
sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser):
    parser.addoption("--small", action="store_true", help="benchmark on few rows")
