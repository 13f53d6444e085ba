"""Options of the test run."""

import pytest

from skgd import _loop, _training


def pytest_addoption(parser):
    parser.addoption(
        "--numpy", action="store_true", help="train with the NumPy loop, not the core"
    )


@pytest.fixture(autouse=True)
def _loop_of_the_run(request, monkeypatch):
    if request.config.getoption("--numpy"):
        monkeypatch.setattr(_training, "run_batches", _loop.run_batches)
