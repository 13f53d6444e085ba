"""The pieces of work under pytest-benchmark, one group for each.

Run with ``pytest tests/benchmarks/test_benchmarks.py``, ``--small`` for few rows,
``-k csr`` for one group. The times are those of a run; the share of the work that a run
does is in the extra information. What is measured in fresh processes, and the ratios,
are printed by ``ratios.py``.
"""

from functools import lru_cache

import pytest
from cases import SMALL, WORKS

pytest.importorskip("pytest_benchmark")

TINY = 10_000
"""Divides the rows of the data that is only made to know the contenders' names."""


@lru_cache(maxsize=1)
def contenders(work, divisor):
    return work.contenders(divisor)


def pytest_generate_tests(metafunc):
    cases = [
        pytest.param(work, name, id=f"{work.name}-{name}")
        for work in WORKS
        for name in work.contenders(TINY)
    ]
    metafunc.parametrize(("work", "name"), cases)


def test_work(benchmark, request, work, name):
    divisor = SMALL if request.config.getoption("--small", default=False) else 1
    benchmark.group = work.title
    contender = contenders(work, divisor)[name]
    benchmark.extra_info["share of the work"] = contender.share
    benchmark.pedantic(contender.run, rounds=5)
