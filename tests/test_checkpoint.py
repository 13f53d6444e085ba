"""A fit that is interrupted and goes on is the fit that was never interrupted."""

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from skgd import GDClassifier, GDRegressor, _training, callbacks
from skgd.callbacks import Checkpoint
from skgd.optimizers import Adam
from skgd.schedules import Cosine

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5)) * [1, 2, 3, 4, 5] + 1
Y = X @ [1.0, -2.0, 0.5, 0.0, 1.0] + 3 + RNG.normal(size=90)
LABELS = np.array(["low", "middle", "high"])[np.digitize(Y, np.quantile(Y, [0.3, 0.7]))]
WEIGHTS = RNG.uniform(0.5, 2, size=90)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.skgd"


@pytest.fixture
def interrupt(monkeypatch):
    """Return a function that makes the next fit end within its nth epoch."""
    original = _training.run_batches
    remaining = [np.inf]

    def run_batches(objective, optimizer, progress, rates, **options):
        if remaining[0] == 0:
            original(
                objective, optimizer, progress, rates[: len(rates) // 2], **options
            )
            remaining[0] = np.inf
            raise KeyboardInterrupt
        remaining[0] -= 1
        return original(objective, optimizer, progress, rates, **options)

    monkeypatch.setattr(_training, "run_batches", run_batches)
    monkeypatch.setattr(callbacks.os, "fsync", lambda number: None)

    def within_epoch(n):
        remaining[0] = n - 1

    return within_epoch


def fit_with_interruptions(model, checkpoint, interrupt, n, *data, **options):
    """Return the model whose fit was interrupted within every nth epoch."""
    model.set_callbacks(checkpoint)
    for _ in range(1000):
        interrupt(n)
        try:
            model.fit(*data, **options)
        except KeyboardInterrupt:
            model = checkpoint.load()
        else:
            interrupt(np.inf)
            return model
    raise AssertionError("the fit does not come to an end")


def same(one, other):
    """Whether two values are the same, bit for bit."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return np.array_equal(one, other, equal_nan=True)
    if hasattr(one, "__dict__"):
        return type(one) is type(other) and same(vars(one), vars(other))
    return one == other


def assert_same_state(one, other):
    """Assert that two models are the same, with all that training goes on from."""
    for name in ("coef_", "intercept_", "t_", "n_iter_", "stop_reason_", "loss_curve_"):
        assert same(getattr(one, name), getattr(other, name)), name
    for name in (
        "validation_curve_",
        "learning_rate_curve_",
        "update_curve_",
        "gradient_norm_curve_",
        "learning_rate_",
    ):
        assert same(getattr(one, name), getattr(other, name)), name
    for field in fields(one._progress):
        values = (
            getattr(one._progress, field.name),
            getattr(other._progress, field.name),
        )
        assert same(*values), field.name


SETTINGS = {
    "defaults": {},
    "clipped, recorded": {"clip_norm": 0.5, "record_gradient_norm": True},
    "sgd": {"optimizer": "sgd", "batch_size": 10},
    "momentum, one batch": {"optimizer": "momentum", "batch_size": None},
    "ftrl, l1": {"optimizer": "ftrl", "penalty": "l1", "alpha": 0.01},
    "horizon": {"schedule": Cosine(), "max_iter": 12, "tol": None},
    "constant": {"schedule": "constant", "tol": 0.02},
    "an earlier cycle is the best": {
        "optimizer": "sgd",
        "learning_rate": 0.3,
        "average": False,
        "tol": 0.0,
    },
    "early stopping": {"early_stopping": True, "n_iter_no_change": 4},
    "scored": {"early_stopping": True, "scoring": None, "schedule": "constant"},
    "coef_tol": {"tol": None, "coef_tol": 0.05, "average": False},
    "plateaus": {"schedule": "reduce_on_plateau", "tol": 0.001},
    "no schedule": {"optimizer": "schedule_free_sgd", "tol": None, "max_iter": 9},
    "no rate": {"optimizer": "prodigy"},
    "averaged": {"average": True, "schedule": "constant", "max_iter": 15, "tol": None},
    "not averaged": {"average": False, "max_iter": 20, "tol": None},
    "unscaled": {"standardize": False, "learning_rate": 0.01, "batch_size": 16},
    "random start": {"init": "random"},
    "own optimizer": {"optimizer": Adam(beta1=0.5), "max_iter": 9, "tol": None},
}


@pytest.mark.parametrize("Estimator", [GDRegressor, GDClassifier])
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_interrupted_within_every_third_epoch(Estimator, params, path, interrupt):
    y = Y if Estimator is GDRegressor else LABELS
    options = {"random_state": 0, "max_iter": 100, "batch_size": 8, "tol": 0.01}
    model = Estimator(**(options | params))
    whole = clone(model).fit(X, y)
    resumed = fit_with_interruptions(model, Checkpoint(path), interrupt, 3, X, y)
    assert whole.n_iter_ > 6
    assert_same_state(resumed, whole)
    for one in (resumed, whole):
        one.set_params(schedule="constant", early_stopping=False).partial_fit(X, y)
    assert_same_state(resumed, whole)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ((X.astype(np.float32), Y.astype(np.float32)), {}),
        ((sparse.csr_array(np.where(X > 2, X, 0)), Y), {}),
        ((X, Y), {"sample_weight": WEIGHTS}),
        ((X, np.column_stack([Y, Y**2])), {}),
        ((pd.DataFrame(X, columns=list("abcde")), pd.Series(Y)), {}),
        ((X, Y), {"coef_init": np.arange(5.0), "intercept_init": 2.0}),
        ((X, Y * 1e9), {}),
    ],
    ids=["float32", "csr", "weights", "outputs", "frame", "start", "billions"],
)
def test_every_kind_of_data(data, options, path, interrupt):
    model = GDRegressor(random_state=0)
    whole = clone(model).fit(*data, **options)
    resumed = fit_with_interruptions(
        model, Checkpoint(path), interrupt, 3, *data, **options
    )
    assert_same_state(resumed, whole)
    assert resumed.coef_.dtype == whole.coef_.dtype


def test_validation_samples_of_the_user(path, interrupt):
    model = GDRegressor(early_stopping=True, random_state=0)
    options = {"X_val": X[60:], "y_val": Y[60:], "sample_weight_val": WEIGHTS[60:]}
    options["coef_init"] = np.full(5, 100.0)
    whole = clone(model).fit(X[:60], Y[:60], **options)
    resumed = fit_with_interruptions(
        model, Checkpoint(path), interrupt, 3, X[:60], Y[:60], **options
    )
    assert whole.stop_reason_ == "early_stopping"
    assert_same_state(resumed, whole)
    loaded = Checkpoint(path).load()
    with pytest.raises(ValueError, match=r"X_val is not .*\(30, 5\), got .*\(29, 5\)"):
        loaded.fit(X[:60], Y[:60], X_val=X[61:], y_val=Y[61:])
    with pytest.raises(ValueError, match=r"X_val is not that .* got None"):
        loaded.fit(X[:60], Y[:60])


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
@pytest.mark.parametrize("at", [2, 3, 5])
def test_training_that_begins_anew_at_a_lower_rate(schedule, at, path, interrupt):
    rng = np.random.default_rng(0)
    X, y = np.exp(3 * rng.normal(size=(10_000, 5))), rng.poisson(1.0, 10_000)
    model = GDRegressor("poisson", schedule=schedule, max_iter=8, tol=None)
    model.set_params(random_state=0)
    whole = clone(model).fit(X, y)
    assert whole.update_curve_[-1] > whole.t_
    resumed = fit_with_interruptions(model, Checkpoint(path), interrupt, at, X, y)
    assert_same_state(resumed, whole)


def test_an_order_that_nobody_chose_is_kept(path, interrupt):
    """Also if the first epoch was not finished."""
    model = GDRegressor(max_iter=7, tol=None).set_callbacks(Checkpoint(path))
    interrupt(1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    one, other = (Checkpoint(path).load().set_callbacks() for _ in range(2))
    assert one.n_iter_ == 0
    assert_array_equal(one.fit(X, Y).coef_, other.fit(X, Y).coef_)


def test_a_warm_start_that_was_interrupted(path, interrupt):
    model = GDRegressor(max_iter=8, tol=None, warm_start=True, random_state=0).fit(X, Y)
    whole = pickle.loads(pickle.dumps(model)).fit(X[:80], Y[:80])
    resumed = fit_with_interruptions(
        model, Checkpoint(path), interrupt, 3, X[:80], Y[:80]
    )
    assert_same_state(resumed, whole)
    assert resumed.n_iter_ == 16
    assert_same_state(resumed.fit(X, Y), whole.fit(X, Y))


@pytest.mark.parametrize("learning_rate", [4.0, 1e200])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_divergence_is_found_again(learning_rate, path, interrupt):
    model = GDRegressor(
        optimizer="sgd", learning_rate=learning_rate, batch_size=None, random_state=0
    )
    whole = clone(model).fit(X, Y)
    assert whole.stop_reason_ == "diverged"
    resumed = fit_with_interruptions(model, Checkpoint(path), interrupt, 2, X, Y)
    assert_same_state(resumed, whole)
    assert_same_state(Checkpoint(path).load().fit(X, Y), whole)


def test_what_is_loaded_predicts_as_if_training_had_ended(path, interrupt):
    params = {"schedule": "constant", "random_state": 0, "tol": None}
    model = GDClassifier(max_iter=20, **params).set_callbacks(Checkpoint(path))
    interrupt(7)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, LABELS)
    assert not hasattr(model, "coef_")
    loaded = Checkpoint(path).load()
    shorter = GDClassifier(max_iter=6, **params).fit(X, LABELS)
    assert loaded.stop_reason_ == "unfinished"
    assert_array_equal(loaded.predict_proba(X), shorter.predict_proba(X))


# Ends of the process


KILLED = """
import os, signal, sys
from sklearn.datasets import load_digits
from skgd import GDClassifier, _training
from skgd.callbacks import Checkpoint

X, y = load_digits(return_X_y=True)
original, left = {target}, [{n}]

def killed(*arguments, **options):
    left[0] -= 1
    if left[0] == 0:
        {partly}
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)

{target} = killed
model = GDClassifier(max_iter=12, tol=None, random_state=0)
model.set_callbacks(Checkpoint(sys.argv[1])).fit(X, y)
"""
WITHIN_EPOCH = {
    "target": "_training.run_batches",
    "partly": "original(*arguments, **options | {'rates': options['rates'][:20]})",
}
WITHIN_WRITING = {"target": "os.fsync", "partly": "pass"}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize("where", [WITHIN_EPOCH, WITHIN_WRITING])
def test_kill_9(where, path):
    script = KILLED.format(n=6, **where)
    ended = subprocess.run([sys.executable, "-P", "-c", script, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    loaded = Checkpoint(path).load()
    assert loaded.n_iter_ == (5 if where is WITHIN_EPOCH else 4)
    digits, labels = load_digits(return_X_y=True)
    whole = GDClassifier(max_iter=12, tol=None, random_state=0).fit(digits, labels)
    assert_same_state(loaded.fit(digits, labels), whole)


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_to_write_keeps_the_file(path, monkeypatch, error):
    model = GDRegressor(max_iter=3, tol=None, random_state=0)
    model.set_callbacks(Checkpoint(path)).fit(X, Y)
    before = path.read_bytes()

    def fsync(number):
        raise error

    monkeypatch.setattr(callbacks.os, "fsync", fsync)
    with pytest.raises(type(error)):
        model.fit(X, Y)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


# What is in the file, and when


class Reads:
    """Reads the checkpoint at the end of each epoch, before it is written."""

    def __init__(self, path):
        self.checkpoint, self.n_iter = Checkpoint(path), []

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.n_iter.append(self.checkpoint.load().n_iter_)

    def teardown(self, estimator, context):
        self.n_iter.append(self.checkpoint.load().n_iter_)


@pytest.mark.parametrize(
    ("every", "written"),
    [(1, [0, 1, 2, 3, 4, 5, 5]), (2, [0, 0, 2, 2, 4, 4, 5]), (9, [0] * 6 + [5])],
)
def test_every(every, written, path):
    model = GDRegressor(max_iter=5, tol=None, random_state=0)
    reads = Reads(path)
    model.set_callbacks(reads, Checkpoint(path, every=every)).fit(X, Y)
    assert reads.n_iter == written


def test_a_fit_that_has_ended_is_not_repeated(path, monkeypatch):
    model = GDRegressor(random_state=0).set_callbacks(Checkpoint(path)).fit(X, Y)
    assert model.stop_reason_ == "tol"
    monkeypatch.delattr(_training, "run_batches")
    again = Checkpoint(path).load().fit(X, Y)
    assert_same_state(again, model)
    assert again.time_curve_ == model.time_curve_


class StopAfter(Reads):
    def __init__(self, n):
        self.n = n

    def on_fit_task_end(self, estimator, context):
        return context.task_id + 1 == self.n

    def teardown(self, estimator, context):
        pass


@pytest.mark.parametrize("n", [10, 50, 120])
def test_a_fit_that_a_callback_ended_goes_on(n, path):
    """Also if it ended in the middle of a cycle, where the mean is not the best."""
    model = GDRegressor(batch_size=None, optimizer="sgd", learning_rate=0.3)
    model.set_params(random_state=0)
    whole = clone(model).fit(X, Y)
    assert whole.n_iter_ > 120
    model.set_callbacks(Checkpoint(path, every=100), StopAfter(n)).fit(X, Y)
    assert (model.stop_reason_, model.n_iter_) == ("callback", n)
    assert_same_state(Checkpoint(path, every=100).load().fit(X, Y), whole)


def test_parameters_are_read_again(path):
    params = {"schedule": "constant", "tol": None, "random_state": 0}
    model = GDRegressor(max_iter=4, **params)
    model.set_callbacks(Checkpoint(path)).fit(X, Y)
    longer = Checkpoint(path).load().set_params(max_iter=9).fit(X, Y)
    assert_same_state(longer, GDRegressor(max_iter=9, **params).fit(X, Y))


def test_only_the_first_fit_goes_on(path, interrupt):
    model = GDRegressor(max_iter=6, tol=None, random_state=0)
    whole = clone(model).fit(X, Y)
    resumed = fit_with_interruptions(model, Checkpoint(path), interrupt, 4, X, Y)
    assert_same_state(resumed.set_callbacks().fit(X, Y), whole)
    assert_same_state(clone(Checkpoint(path).load()).fit(X, Y), whole)
    loaded = pickle.loads(pickle.dumps(Checkpoint(path).load().set_callbacks()))
    assert loaded._unfinished is not None
    assert loaded.partial_fit(X, Y)._unfinished is None


def test_the_other_callbacks_are_not_in_the_file(path):
    model = GDRegressor(max_iter=2, tol=None)
    reads, checkpoint = StopAfter(9), Checkpoint(path)
    model.set_callbacks(reads, checkpoint).fit(X, Y)
    assert checkpoint.load()._callbacks == (checkpoint,)
    assert b"StopAfter" not in path.read_bytes()
    assert not [name for name in vars(checkpoint.load()) if name == "_run"]


# What is refused


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ((X[:80], Y[:80]), r"X is not .* float64 of shape \(90, 5\), got .*\(80, 5\)"),
        ((X[::-1], Y), "X is not that of the interrupted fit.*with other values"),
        ((X.astype(np.float32).astype(float), Y), "X is not.*other values"),
        ((X, Y + 1e-9), "y is not that .*with other values"),
        ((X, Y, WEIGHTS), "sample_weight is not .* which was None, got float64"),
        ((sparse.csr_array(X), Y), "X is not that"),
    ],
)
def test_other_data(data, match, path, interrupt):
    model = GDRegressor(random_state=0).set_callbacks(Checkpoint(path))
    interrupt(4)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    loaded = Checkpoint(path).load().set_callbacks()
    before = pickle.dumps(loaded)
    with pytest.raises(ValueError, match=match):
        loaded.fit(*data)
    assert pickle.dumps(loaded) == before
    assert_same_state(loaded.fit(X, Y), GDRegressor(random_state=0).fit(X, Y))


def test_another_version(path, monkeypatch):
    model = GDRegressor(max_iter=2, tol=None).set_callbacks(Checkpoint(path))
    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "__version__", "0.0.7")
        model.fit(X, Y)
    with pytest.raises(ValueError, match=r"written by skgd 0\.0\.7 and this is skgd"):
        Checkpoint(path).load()


@pytest.mark.parametrize(
    "content", [b"", b"text\n", pickle.dumps(1), pickle.dumps(("a", "b"))]
)
def test_what_is_no_checkpoint(content, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a checkpoint of skgd"):
        Checkpoint(path).load()


def test_no_file_no_folder_no_estimator_of_skgd(path):
    with pytest.raises(FileNotFoundError):
        Checkpoint(path).load()
    for file, error, match in [
        (path / "deeper", FileNotFoundError, "a folder that does not exist: '.*fit"),
        (path.parent, IsADirectoryError, "a folder; give a file in it"),
    ]:
        model = GDRegressor().set_callbacks(Checkpoint(file))
        with pytest.raises(error, match=f"Checkpoint: path='.*' is .*{match}"):
            model.fit(X, Y)
        assert not hasattr(model, "coef_")
    with pytest.raises(TypeError, match="GDRegressor and GDClassifier, got Logistic"):
        Checkpoint(path).setup(LogisticRegression(), None)
    assert not path.exists()


@pytest.mark.parametrize("path", [3, None, b"fit.skgd"])
def test_bad_path(path):
    with pytest.raises(TypeError, match="Checkpoint: path must be a str or a path"):
        Checkpoint(path)


@pytest.mark.parametrize(("every", "error"), [(0, ValueError), (1.5, TypeError)])
def test_bad_every(every, error, path):
    with pytest.raises(error, match="Checkpoint: every must be an integer"):
        Checkpoint(path, every=every)
