"""Options of the test run."""

import pytest
from hypothesis import settings

from skgd import _loop, _training

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser):
    parser.addoption(
        "--numpy", action="store_true", help="train with the NumPy loop, not the core"
    )


@pytest.fixture(autouse=True)
def _loop_of_the_run(request, monkeypatch):
    if request.config.getoption("--numpy"):
        monkeypatch.setattr(_training, "run_batches", _loop.run_batches)
