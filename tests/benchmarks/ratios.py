"""Measure the contenders of each piece of work in turn, and print their ratios.

Usage: ``python tests/benchmarks/ratios.py [--repeat 5] [--only NAME] [--small]``
"""

import argparse
import math
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from cases import FRESH, SMALL, WORKS

PACKAGES = ("skgd", "numpy", "scipy", "scikit-learn", "torch", "river")
HEADER = ("work", "contender", "median", "spread", "ratio to skgd", "required", "met")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", help="the works whose name begins with this")
    parser.add_argument("--small", action="store_true", help="with few rows")
    options = parser.parse_args()
    print(describe_machine(), end="\n\n")
    print_row(HEADER)
    print_row(["---"] * len(HEADER))
    for work in [*WORKS, *FRESH]:
        if work.name.startswith(options.only or ""):
            report(work, options.repeat, SMALL if options.small else 1)


def describe_machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {sys.platform}; "
        + ", ".join(versions)
    )


def processor():
    description = Path("/proc/cpuinfo")
    if description.exists():
        for line in description.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def report(work, repeat, divisor):
    """Measure a piece of work and print a row for each contender."""
    contenders = work.contenders(divisor)
    measured = {name: [] for name in contenders}
    for _ in range(repeat):
        for name, contender in contenders.items():
            measured[name].append(contender.measure() / work.per)
    ours = median(measured["skgd"])
    for name, values in measured.items():
        middle = median(values)
        ratio = middle / ours if ours else math.inf
        print_row(
            [
                work.title if name == "skgd" else "",
                name,
                with_unit(middle, work.unit),
                f"{(max(values) - min(values)) / middle:.0%}" if middle else "",
                f"{ratio:.3g}" if name != "skgd" else "",
                *verdict(work.required.get(name), ratio),
            ]
        )


def verdict(required, ratio):
    """Return the bound and whether it is kept, both empty without a bound."""
    if required is None:
        return "", ""
    sign, bound = required
    met = ratio >= bound if sign == ">=" else ratio <= bound
    return f"{'≥' if sign == '>=' else '≤'} {bound:.3g}", "yes" if met else "**no**"


def with_unit(value, unit):
    if unit != "s":
        return f"{value:.3g} {unit}"
    for factor, name in ((1, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {name}"
    return f"{value * 1e6:.3g} µs"


def print_row(cells):
    print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
