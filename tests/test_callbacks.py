"""Callbacks, what ``verbose`` prints, and the curves of a fit."""

import io
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgd import GDClassifier, GDRegressor, _callback_protocol
from skgd._display import Display
from skgd._progress import Progress
from skgd._run import History, Run

try:
    from sklearn import callback as sklearn_callback
except ImportError:
    sklearn_callback = None

needs_sklearn_callbacks = pytest.mark.skipif(
    sklearn_callback is None, reason="sklearn.callback is new in scikit-learn 1.9"
)

X, Y = make_regression(60, 4, noise=5, bias=10, random_state=0)
LABELS = np.array(["low", "middle", "high"])[np.digitize(Y, [-20, 20])]
WEIGHTS = np.linspace(0.5, 1.5, len(Y))


def targets(Estimator):
    return Y if Estimator is GDRegressor else LABELS


def estimator(Estimator, **params):
    options = {"max_iter": 4, "tol": None, "schedule": "constant", "random_state": 0}
    return Estimator(**(options | params))


both = pytest.mark.parametrize("Estimator", [GDRegressor, GDClassifier])


class Recorder:
    """Keeps what the hooks are called with; at the given epoch does something."""

    def __init__(self, at_epoch=None, act=None):
        self.events, self.at_epoch, self.act = [], at_epoch, act

    def setup(self, estimator, context):
        self.events.append(("setup", estimator, context, {}))

    def on_fit_task_begin(
        self, estimator, context, *, X, y, metadata, fitted_estimator
    ):
        given = {"X": X, "y": y, "metadata": metadata, "fitted": fitted_estimator}
        self.events.append(("begin", estimator, context, given))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        given = {"X": X, "y": y, "metadata": metadata, "fitted": fitted_estimator}
        self.events.append(("end", estimator, context, given))
        if context.task_name == "epoch" and context.task_id == self.at_epoch:
            return self.act()
        return None

    def teardown(self, estimator, context):
        self.events.append(("teardown", estimator, context, {}))

    def names(self):
        return [
            (hook, context.task_name, context.task_id)
            for hook, _, context, _ in self.events
        ]

    def fitted(self, hook, task="epoch"):
        return [
            given["fitted"]
            for name, _, context, given in self.events
            if (name, context.task_name) == (hook, task)
        ]


def raises(error):
    def act():
        raise error

    return act


def assert_same_model(one, other):
    assert_array_equal(one.coef_, other.coef_)
    assert_array_equal(one.intercept_, other.intercept_)
    assert one.loss_curve_ == other.loss_curve_
    assert one.t_ == other.t_


# The protocol


@both
def test_the_tasks_are_a_fit_and_its_epochs(Estimator):
    record = Recorder()
    estimator(Estimator, max_iter=2).set_callbacks(record).fit(X, targets(Estimator))
    assert record.names() == [
        ("setup", "fit", 0),
        ("begin", "fit", 0),
        ("begin", "epoch", 0),
        ("end", "epoch", 0),
        ("begin", "epoch", 1),
        ("end", "epoch", 1),
        ("end", "fit", 0),
        ("teardown", "fit", 0),
    ]
    root, epoch = record.events[0][2], record.events[2][2]
    assert (root.max_subtasks, root.parent) == (2, None)
    assert (epoch.max_subtasks, epoch.parent) == (0, root)
    assert root.estimator_name == epoch.estimator_name == Estimator.__name__


@both
def test_the_hooks_get_what_fit_was_given(Estimator):
    record, y = Recorder(), targets(Estimator)
    estimator(Estimator).set_callbacks(record).fit(X, y, sample_weight=WEIGHTS)
    for hook, _, _, given in record.events:
        if hook in ("begin", "end"):
            assert given["X"] is X
            assert given["y"] is y
            assert given["metadata"] == {"sample_weight": WEIGHTS}
    record.events.clear()
    estimator(Estimator).set_callbacks(record).fit(X, y)
    assert record.events[1][3]["metadata"] is None


@both
@pytest.mark.parametrize("average", ["auto", True])
def test_a_snapshot_is_the_model_of_a_shorter_fit(Estimator, average):
    record, y = Recorder(), targets(Estimator)
    params = {"average": average, "batch_size": 7}
    model = estimator(Estimator, **params).set_callbacks(record).fit(X, y)
    for n, snapshot in enumerate(record.fitted("end"), start=1):
        shorter = estimator(Estimator, max_iter=n, **params).fit(X, y)
        assert_same_model(snapshot, shorter)
        assert_array_equal(snapshot.predict(X), shorter.predict(X))
        assert snapshot.n_iter_ == n
    starts, ends = record.fitted("begin"), record.fitted("end")
    assert_array_equal(starts[0].coef_, np.zeros_like(model.coef_))
    for start, end in zip(starts[1:], ends, strict=False):
        assert_same_model(start, end)
    assert_same_model(record.fitted("end", "fit")[0], model)
    assert record.fitted("end", "fit")[0].stop_reason_ == "max_iter"
    assert [s.stop_reason_ for s in ends] == ["unfinished"] * 4


@both
def test_the_estimator_is_as_before_until_fit_returns(Estimator):
    record, y = Recorder(), targets(Estimator)
    model = estimator(Estimator).set_callbacks(record)
    seen = []
    record.act, record.at_epoch = lambda: seen.append(hasattr(model, "coef_")), 2
    model.fit(X, y)
    assert seen == [False]
    assert all(e is model for _, e, _, _ in record.events)
    before = model.coef_
    record.act = lambda: seen.append(model.coef_ is before)
    model.fit(X, y)
    assert seen == [False, True]


@both
def test_a_fit_with_callbacks_is_the_same_fit(Estimator):
    y = targets(Estimator)
    params = {"schedule": "auto", "max_iter": 1000, "tol": 0.01}
    plain = estimator(Estimator, **params).fit(X, y)
    watched = estimator(Estimator, **params).set_callbacks(Recorder()).fit(X, y)
    assert_same_model(watched, plain)
    assert watched.stop_reason_ == plain.stop_reason_ == "tol"
    leftover = vars(watched).keys() - vars(plain).keys()
    assert leftover <= {"_callbacks", "_skl_callbacks", "_own_callbacks"}


@both
def test_a_callback_ends_training(Estimator):
    y = targets(Estimator)
    record = Recorder(1, lambda: True)
    others = Recorder(), Recorder()
    model = estimator(Estimator).set_callbacks(others[0], record, others[1]).fit(X, y)
    assert model.stop_reason_ == "callback"
    assert_same_model(model, estimator(Estimator, max_iter=2).fit(X, y))
    for callback in (record, *others):
        assert callback.names()[-3:] == [
            ("end", "epoch", 1),
            ("end", "fit", 0),
            ("teardown", "fit", 0),
        ]
    assert record.fitted("end", "fit")[0].stop_reason_ == "callback"


@both
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("is_fitted", [False, True])
def test_an_exception_leaves_the_estimator_as_it_was(Estimator, error, is_fitted):
    y, record = targets(Estimator), Recorder(2, raises(error()))
    model = estimator(Estimator)
    if is_fitted:
        model.fit(X, y)
    model.set_callbacks(record)
    before = {k: id(v) for k, v in vars(model).items()}
    with pytest.raises(error):
        model.fit(X, y)
    assert {k: id(v) for k, v in vars(model).items()} == before
    assert record.names()[-2:] == [("end", "epoch", 2), ("teardown", "fit", 0)]


def test_divergence_ends_every_task():
    record = Recorder()
    model = GDRegressor(optimizer="sgd", learning_rate=1e4, max_iter=50)
    with pytest.warns(match="diverged"):
        model.set_callbacks(record).fit(X, Y)
    names = record.names()
    assert names.count(("end", "fit", 0)) == 1
    for hook, task, number in names:
        if hook == "begin":
            assert ("end", task, number) in names
    final = record.fitted("end", "fit")[0]
    assert final.stop_reason_ == model.stop_reason_ == "diverged"
    assert_same_model(final, model)
    assert np.isfinite(record.fitted("end")[-1].coef_).all()


@both
def test_partial_fit_calls_no_hooks(Estimator):
    record, y = Recorder(), targets(Estimator)
    model = estimator(Estimator).set_callbacks(record)
    if Estimator is GDClassifier:
        model.partial_fit(X, y, classes=np.unique(y))
    else:
        model.partial_fit(X, y)
    assert record.events == []


@both
def test_clones_share_the_callbacks_and_none_removes_them(Estimator):
    record, y = Recorder(), targets(Estimator)
    model = estimator(Estimator, max_iter=1).set_callbacks(record)
    clone(model).fit(X, y)
    assert len(record.events) == 6
    assert clone(clone(model)).set_callbacks().fit(X, y) is not model
    model.set_callbacks().fit(X, y)
    assert len(record.events) == 6


def test_a_warning_of_a_fit_with_callbacks_points_at_the_call():
    model = estimator(GDRegressor, max_iter=2, tol=1e-3).set_callbacks(Recorder())
    with pytest.warns(match="max_iter=2") as record:
        model.fit(X, Y)
    assert record[0].filename == __file__


def test_bad_callbacks():
    class Half:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

    model = GDRegressor().set_callbacks(Recorder())
    kept = model._callbacks
    with pytest.raises(TypeError, match="without on_fit_task_begin, on_fit_task_end"):
        model.set_callbacks(Half())
    with pytest.raises(TypeError, match=r"must be instances .* got <class"):
        model.set_callbacks(Recorder)
    assert model._callbacks is kept


def looping(mixin, with_callbacks):
    """Return an estimator with two subtasks whose callbacks are those of a mixin."""

    class Loop(mixin, BaseEstimator):
        @with_callbacks
        def fit(self, X, y):
            arguments = {
                "estimator": self,
                "X": X,
                "y": y,
                "metadata": None,
                "reconstruction_attributes": lambda: {"coef_": 1},
            }
            context = self._init_callback_context(max_subtasks=2)
            context.call_on_fit_task_begin(**arguments)
            self.stops = []
            for _ in range(2):
                part = context.subcontext(task_name="epoch")
                part.call_on_fit_task_begin(**arguments)
                self.stops.append(part.call_on_fit_task_end(**arguments))
            context.call_on_fit_task_end(**arguments)
            return self

    return Loop()


@needs_sklearn_callbacks
@pytest.mark.parametrize("act", [lambda: True, lambda: None, raises(OSError())])
def test_the_protocol_for_older_versions_is_that_of_scikit_learn(act):
    def run(protocol):
        loop = looping(protocol.CallbackSupportMixin, protocol.with_callbacks)
        records = Recorder(), Recorder(1, act)
        loop.set_callbacks(*records)
        try:
            loop.fit(X, Y)
        except OSError:
            loop.stops.append("raised")
        told = [
            (
                *name,
                e is loop,
                c.max_subtasks,
                c.estimator_name,
                c.parent and c.parent.task_name,
                {k: getattr(v, "coef_", v) for k, v in given.items()},
            )
            for record in records
            for name, (_, e, c, given) in zip(
                record.names(), record.events, strict=True
            )
        ]
        return told, loop.stops, hasattr(loop, "_callback_fit_ctx")

    ours, theirs = run(_callback_protocol), run(sklearn_callback)
    assert repr(ours) == repr(theirs)
    assert len(ours[0]) > 10


# scikit-learn's own callbacks


def search(n_jobs, callbacks=(), inner=()):
    model = GDClassifier(max_iter=5, tol=None, random_state=0)
    if inner:
        model.set_callbacks(*inner)
    grid = {"gdclassifier__optimizer": ["adam", "sgd"]}
    pipeline = make_pipeline(StandardScaler(), model)
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=n_jobs)
    if callbacks:
        search.set_callbacks(*callbacks)
    digits, labels = load_digits(return_X_y=True)
    return search.fit(digits[:300], labels[:300])


@needs_sklearn_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scores_of_every_epoch_in_a_grid_search(n_jobs):
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    watched = search(n_jobs, inner=[monitor])
    assert_array_equal(
        watched.cv_results_["mean_test_score"],
        search(1).cv_results_["mean_test_score"],
    )
    rows = [row for log in monitor.get_logs("all") for row in log.data]
    epochs = [row for row in rows if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 3 + 1) * 5
    assert {row["estimator_name"] for row in rows} == {"GDClassifier"}
    digits, labels = load_digits(return_X_y=True)
    score = watched.best_estimator_.score(digits[:300], labels[:300])
    refit = [row for row in rows if row["task_name"] == "fit"][-1]
    assert score in {row["accuracy"] for row in rows if row["task_name"] == "fit"}
    assert refit["accuracy"] > 0.9


@needs_sklearn_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bars_of_a_grid_search(n_jobs, capsys):
    pytest.importorskip("rich", reason="ProgressBar draws with rich")
    bar = sklearn_callback.ProgressBar(max_propagation_depth=None)
    search(n_jobs, callbacks=[bar])
    lines = capsys.readouterr().out.splitlines()
    bars = [line for line in lines if "GDClassifier - fit" in line]
    assert len(bars) == 2 * 3 + 1
    assert all("100%" in line for line in bars)


@needs_sklearn_callbacks
def test_a_progress_bar_ends_when_training_stops_early(capsys):
    pytest.importorskip("rich", reason="ProgressBar draws with rich")
    model = GDRegressor(max_iter=1000, random_state=0)
    model.set_callbacks(sklearn_callback.ProgressBar()).fit(X, Y)
    assert model.n_iter_ < 1000
    assert "100%" in capsys.readouterr().out


@needs_sklearn_callbacks
def test_scores_with_sample_weight():
    monitor = sklearn_callback.ScoringMonitor(scoring="r2")
    model = GDRegressor(max_iter=3, tol=None, random_state=0).set_callbacks(monitor)
    model.fit(X, Y, sample_weight=WEIGHTS)
    final = monitor.get_logs().data[0]["r2"]
    assert final == model.score(X, Y, sample_weight=WEIGHTS)


# What is printed


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, verbose, times, max_iter=10, resumed_from=0):
    """Return what is printed if epochs end at the given times."""
    clock = iter([0.0, *(t for t in times), times[-1]])
    history = History(
        loss_curve=[0.5] * resumed_from, learning_rate_curve=[0.1] * resumed_from
    )
    progress = Progress(w=np.zeros(1), state={}, seed=0, t=3 * resumed_from)
    run = Run(progress, history, progress, progress, progress)
    with Display(verbose, max_iter, stream, lambda: next(clock)) as display:
        for _ in times:
            display.epoch_begins(run)
            progress.t += 3
            history.loss_curve.append(0.25)
            history.learning_rate_curve.append(0.01)
            display.epoch_ends(run)
        run.stop_reason = "tol"
        display.end(run)
    return stream.getvalue()


def test_a_short_fit_only_says_how_it_ended():
    assert shown(io.StringIO(), 1, [0.5, 1.0, 1.5]) == (
        "ended after epoch 3/10, 1.5 s: tol, loss 0.25\n"
    )
    assert shown(io.StringIO(), 0, [0.5, 100.0]) == ""


def test_a_long_fit_prints_a_line_now_and_then():
    assert shown(io.StringIO(), 1, [1.0, 3.0, 4.0, 20.0]) == (
        "epoch 2/10: step 6, loss 0.25, rate 0.01, 3.0 s, at most 12 s to go\n"
        "epoch 4/10: step 12, loss 0.25, rate 0.01, 20 s, at most 30 s to go\n"
        "ended after epoch 4/10, 20 s: tol, loss 0.25\n"
    )


def test_a_terminal_shows_one_line():
    lines = shown(Terminal(), 1, [3.0, 3.1, 63.0], max_iter=4).split("\r")
    assert [line.rstrip() for line in lines] == [
        "",
        "epoch 1/4: step 3, loss 0.25, rate 0.01, 3.0 s, at most 9.0 s to go",
        "epoch 3/4: step 9, loss 0.25, rate 0.01, 1 min 3 s, at most 21 s to go",
        "ended after epoch 3/4, 1 min 3 s: tol, loss 0.25",
    ]
    assert [line.endswith("\n") for line in lines] == [False, False, False, True]
    assert len(lines[3]) == len(lines[2]) + 1


def test_the_time_to_go_counts_the_epochs_of_this_call():
    text = shown(io.StringIO(), 1, [4.0], max_iter=10, resumed_from=6)
    assert text.startswith(
        "epoch 7/10: step 21, loss 0.25, rate 0.01, 4.0 s, at most 12 s to go\n"
    )


def test_a_fit_that_does_not_end_leaves_a_whole_line():
    stream = Terminal()
    with Display(1, 10, stream) as display:
        display._rewrite("epoch 1")
    assert stream.getvalue() == "\repoch 1\n"


# Curves


@both
def test_curves_have_a_value_for_each_epoch(Estimator):
    y = targets(Estimator)
    model = estimator(Estimator, warm_start=True).fit(X, y)
    first = list(model.time_curve_)
    model.fit(X, y).partial_fit(X, y)
    for name in ("loss", "learning_rate", "time", "update", "gradient_norm"):
        assert len(getattr(model, f"{name}_curve_")) == model.n_iter_ == 9
    assert model.time_curve_[:4] == first
    assert min(np.diff([0.0, *model.time_curve_])) > 0
    assert np.isnan(model.gradient_norm_curve_).all()
    model.set_params(warm_start=False).fit(X, y)
    assert len(model.time_curve_) == 4


def test_updates_that_were_undone_are_counted():
    """40 rows are 5 batches of 8; nothing remains of an epoch that overflows."""
    X, y = np.ones((40, 1)), np.ones(40)
    options = {"optimizer": "sgd", "schedule": "constant", "standardize": False}
    model = GDRegressor(learning_rate=1e300, batch_size=8, **options)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert model.t_ == 0
    assert model.update_curve_ == [5]
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.partial_fit(X, y)
    assert model.t_ == 0
    assert model.update_curve_ == [5, 10]


@pytest.mark.parametrize("standardize", [False, True])
def test_gradient_norms(standardize):
    """Those of the mean of ½(y − z)² plus alpha ½ |coef|², of every weight."""
    model = GDRegressor(
        alpha=0.1,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="constant",
        max_iter=1,
        tol=None,
        standardize=standardize,
        average=False,
        warm_start=True,
        record_gradient_norm=True,
    )
    Z, target, unit = X, Y, 1.0
    if standardize:
        Z, unit = (X - X.mean(axis=0)) / X.std(axis=0), Y.std()
        target = (Y - Y.mean()) / unit
    expected = []
    for _ in range(3):
        model.fit(X, Y)
        coef = model.coef_ * (X.std(axis=0) / unit if standardize else 1.0)
        intercept = model.intercept_[0] + X.mean(axis=0) @ model.coef_ - Y.mean()
        intercept = intercept / unit if standardize else model.intercept_[0]
        r = (Z @ coef + intercept - target) / len(Y)
        alpha = 0.1
        expected.append(np.linalg.norm([*(Z.T @ r + alpha * coef), r.sum()]))
    assert_allclose(model.gradient_norm_curve_, expected, rtol=1e-10)
    model.set_params(record_gradient_norm=False).fit(X, Y)
    assert np.isnan(model.gradient_norm_curve_).tolist() == [False] * 3 + [True]


def test_gradient_norms_of_a_stream():
    model = GDRegressor(optimizer="sgd", standardize=False, record_gradient_norm=True)
    model.set_params(penalty=None, learning_rate=0.1, average=False).partial_fit(X, Y)
    A = np.column_stack([X, np.ones(len(X))])
    w = np.append(model.coef_, model.intercept_)
    norm = np.linalg.norm(A.T @ (A @ w - Y) / len(Y))
    assert_allclose(model.gradient_norm_curve_, [norm], rtol=1e-10)


def test_an_old_pickle_gets_the_defaults_of_new_parameters():
    model = GDRegressor(max_iter=2, tol=None).fit(X, Y)
    state = model.__getstate__()
    del state["record_gradient_norm"]
    old = object.__new__(GDRegressor)
    old.__setstate__(state)
    assert old.record_gradient_norm is False
    assert pickle.loads(pickle.dumps(old)).fit(X, Y).n_iter_ == 2
