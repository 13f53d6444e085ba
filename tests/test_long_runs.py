"""Interrupts, threads, large arrays: what happens around a pass."""

import pickle
import signal
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skgd import GDClassifier, GDRegressor
from skgd._compiled import compiled_twin
from skgd.optimizers import Adam
from skgd.schedules import Schedule

RNG = np.random.default_rng(0)


class OwnAdam(Adam):
    """Adam with its own formula, the same as the built-in one."""

    def direction(self, w, g, t, m, v):
        return super().direction(w, g, t, m, v)


def interrupted(call, when=lambda: True):
    """Run a call that is sent SIGINT; return whether it was interrupted by it."""
    over = threading.Event()

    def interrupt():
        while not over.wait(0.01):
            if when():
                signal.raise_signal(signal.SIGINT)
                return

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        over.set()
        thread.join()
    return False


@pytest.mark.parametrize("optimizer", ["sgd", OwnAdam()])
def test_ctrl_c_leaves_a_fitted_estimator_as_it_was(optimizer):
    X = np.broadcast_to(np.linspace(-1, 1, 100), (50_000, 100))
    y = RNG.normal(size=len(X))
    model = GDRegressor(optimizer=optimizer, max_iter=1, tol=None, batch_size=16)
    model.fit(X[:1000], y[:1000]).set_params(max_iter=10**6)
    before = pickle.dumps(model)
    assert interrupted(lambda: model.fit(X, y))
    assert pickle.dumps(model) == before


class Telling(Schedule):
    """The constant rate; tells when it is asked for steps that are not the first."""

    asked_again = threading.Event()

    def __call__(self, t):
        if np.min(t) > 2:
            self.asked_again.set()
        return np.ones(np.shape(t))


def test_ctrl_c_in_a_stream_keeps_whole_steps():
    n = 2_000_000
    X, y = np.broadcast_to(np.linspace(-1, 1, 100), (n, 100)), np.sin(np.arange(n))
    options = {
        "batch_size": 1,
        "optimizer": "sgd",
        "learning_rate": 1e-3,
        "shuffle": False,
        "standardize": False,
    }
    model = GDRegressor(schedule=Telling(), **options).partial_fit(X[:1], y[:1])
    has_begun = Telling.asked_again.is_set
    assert interrupted(lambda: model.partial_fit(X[1:], y[1:]), has_begun)
    t = model.t_
    assert 1 < t < n
    whole = GDRegressor(**options).partial_fit(X[:t], y[:t])
    assert_allclose(model.coef_, whole.coef_, rtol=1e-9)


def test_fits_in_threads_do_not_disturb_each_other():
    X = RNG.normal(size=(2000, 20))
    y = X @ RNG.normal(size=20)

    def fit(seed):
        optimizer = OwnAdam() if seed % 3 == 0 else "adam"
        model = GDRegressor(optimizer=optimizer, max_iter=5, tol=None)
        return model.set_params(random_state=seed).fit(X, y).coef_

    alone = [fit(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(8)))
    for expected, coef in zip(alone, together, strict=True):
        assert_array_equal(coef, expected)


def test_one_thread_predicts_while_another_streams():
    """Predictions are those of some moment between two calls, never a mixture."""
    X = RNG.normal(size=(200, 5))
    y = (X[:, 0] > 0).astype(int)
    streamed = GDClassifier(random_state=0).partial_fit(X, y, [0, 1])
    twin = GDClassifier(random_state=0).partial_fit(X, y, [0, 1])
    moments = {streamed.coef_.tobytes()}
    for _ in range(200):
        moments.add(twin.partial_fit(X, y).coef_.tobytes())
    seen = set()
    done = threading.Event()

    def predict():
        while not done.is_set():
            seen.add(streamed.coef_.tobytes())
            streamed.predict(X[:3])

    reader = threading.Thread(target=predict)
    reader.start()
    for _ in range(200):
        streamed.partial_fit(X, y)
    done.set()
    reader.join()
    assert seen <= moments
    assert_array_equal(streamed.coef_, twin.coef_)


def test_rows_beyond_two_to_the_31_elements(tmp_path):
    """Ten rows of a file that would be 10 GB if it were not empty between them."""
    d, apart = 8000, 30_000
    shape = (9 * apart + 1, d)
    assert shape[0] * d > 2**31
    file = np.memmap(tmp_path / "X", dtype=np.float32, mode="w+", shape=shape)
    small = RNG.normal(size=(10, d)).astype(np.float32)
    file[::apart] = small
    y = RNG.normal(size=10)
    for batch_size in (1, 4):
        options = {"batch_size": batch_size, "max_iter": 3, "tol": None}
        model = GDRegressor(optimizer="sgd", learning_rate=1e-4, random_state=0)
        model.set_params(**options)
        expected = model.fit(small, y).coef_
        assert_array_equal(model.fit(file[::apart], y).coef_, expected)


def test_the_fitted_estimator_tells_which_parts_ran_compiled():
    X, y = RNG.normal(size=(20, 3)), RNG.normal(size=20)
    model = GDRegressor(max_iter=1, tol=None).fit(X, y)
    assert compiled_twin(model.optimizer_) == ("adam", (0.9, 0.999, 1e-8))
    assert compiled_twin(model.loss_) == ("squared_error", ())
    model.set_params(optimizer=OwnAdam()).fit(X, y)
    assert compiled_twin(model.optimizer_) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["numbers", "two classes", "four classes", "names"])
def test_memory_beyond_X(kind, dtype):
    """A twentieth of X, and what does not depend on the number of samples."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200_000, 50), dtype)
    y = {
        "numbers": X[:, 0],
        "two classes": X[:, 0] > 0,
        "four classes": np.digitize(X[:, 0], [-1, 0, 1]),
        "names": np.where(X[:, 0] > 0, "yes", "no"),
    }[kind]
    Estimator = GDRegressor if kind == "numbers" else GDClassifier
    model = Estimator(max_iter=2, tol=None, random_state=0)
    model.fit(X[:1000], y[:1000])
    tracemalloc.start()
    try:
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 20 + 1e6
