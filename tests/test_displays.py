"""Displays: what is drawn is the data, each name looks different, errors help."""

from time import perf_counter

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from skgd import GDClassifier, GDRegressor, lr_find, minimize
from skgd.displays import (
    BatchSizeDisplay,
    CoefficientPathDisplay,
    FittedLineDisplay,
    LearningRateRangeDisplay,
    LossCurveDisplay,
    ScheduleDisplay,
    TrajectoryDisplay,
)
from skgd.schedules import Cosine

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures():
    plt.close("all")  # those of doctests in the same process
    yield
    plt.close("all")


def valley(x):
    return x[0] ** 2 + 10 * x[1] ** 2


def parabola(x):
    return (x[0] - 2.5) ** 2 - 1


@pytest.fixture
def results():
    return {
        name: minimize(valley, [3, 1], optimizer=name, learning_rate=0.05, max_iter=20)
        for name in ("sgd", "momentum", "adam")
    }


@pytest.fixture
def models():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4))
    y = X @ [1, -2, 0, 3]
    return [
        GDRegressor(
            alpha=alpha, penalty="l1", max_iter=7, tol=None, random_state=0
        ).fit(X, y)
        for alpha in (0.1, 1e-3, 0.01)
    ]


def drawn(display):
    return [line.get_xydata() for line in display.lines_]


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def assert_told_apart(display):
    """No two lines have the same look, and none depends on colour alone."""
    looks = [
        (line.get_color(), line.get_linestyle(), line.get_marker(), line._dash_pattern)
        for line in display.lines_
    ]
    assert len(set(map(str, looks))) == len(looks)
    assert len({str(look[1:]) for look in looks}) == len(looks)


class TestLossCurves:
    def test_results(self, results):
        display = LossCurveDisplay.from_result(results, yscale="log")
        for xy, result in zip(drawn(display), results.values(), strict=True):
            assert_array_equal(xy[:, 0], np.arange(result.nit + 1))
            assert_array_equal(xy[:, 1], result.fun_curve)
        assert legend(display) == list(results)
        assert display.ax_.get_yscale() == "log"
        assert display.ax_.get_xlabel() == "Iteration"
        assert display.ax_.get_ylabel() == "Objective"
        assert_told_apart(display)

    def test_against_seconds_and_updates(self):
        X = np.linspace(0, 1, 20)[:, None]

        def loss(w, X):
            return float(np.mean((X @ w - 1) ** 2))

        result = minimize(loss, [0.0], data=X, batch_size=5, max_iter=3)
        (updates,) = drawn(LossCurveDisplay.from_result(result, x="update"))
        assert_array_equal(updates[:, 0], [0, 4, 8, 12])
        display = LossCurveDisplay.from_result(result, x="second")
        assert_array_equal(drawn(display)[0][:, 0], result.time_curve)
        assert display.ax_.get_xlabel() == "Seconds"
        assert display.ax_.get_legend() is None

    def test_estimators(self, models):
        display = LossCurveDisplay.from_estimator(models)
        for xy, model in zip(drawn(display), models, strict=True):
            assert_array_equal(xy, np.c_[np.arange(1, 8), model.loss_curve_])
        assert len(set(legend(display))) == 3
        assert "alpha=0.001" in legend(display)[1]
        display = LossCurveDisplay.from_estimator({"a": models[0]}, x="update")
        assert_array_equal(drawn(display)[0][:, 0], 2 * np.arange(1, 8))
        display = LossCurveDisplay.from_estimator({"a": models[0]}, x="second")
        assert_array_equal(drawn(display)[0][:, 0], models[0].time_curve_)

    def test_updates_are_those_that_were_made(self):
        """60 of 80 rows are trained on, 15 batches of 4; the best epoch is not last."""
        X = np.random.default_rng(0).normal(size=(80, 3))
        y = np.random.default_rng(1).normal(size=80)
        model = GDRegressor(
            batch_size=4,
            max_iter=6,
            tol=None,
            early_stopping=True,
            validation_fraction=0.25,
            random_state=0,
        ).fit(X, y)
        assert model.t_ < 6 * 15
        (xy,) = drawn(LossCurveDisplay.from_estimator(model, x="update"))
        assert_array_equal(xy[:, 0], 15 * np.arange(1, 7))

    def test_updates_of_passes_of_different_lengths(self):
        X = np.random.default_rng(0).normal(size=(32, 3))
        model = GDRegressor(batch_size=8)
        for n in (32, 9, 1, 1):
            model.partial_fit(X[:n], X[:n, 0])
        model.set_params(warm_start=True, batch_size=16, max_iter=2, tol=None)
        model.fit(X, X[:, 0])
        (xy,) = drawn(LossCurveDisplay.from_estimator(model, x="update"))
        assert_array_equal(xy[:, 0], [4, 6, 7, 8, 10, 12])

    @pytest.mark.parametrize(("more", "n_known"), [(0, 0), (2, 2)])
    def test_a_model_from_before_a_curve_was_recorded(self, models, more, n_known):
        X = np.random.default_rng(0).normal(size=(50, 4))
        old = clone(models[0]).fit(X, X[:, 0])
        del old.update_curve_
        for _ in range(more):
            old.partial_fit(X, X[:, 0])
        (xy,) = drawn(LossCurveDisplay.from_estimator(old))
        assert_array_equal(xy, np.c_[np.arange(7 + more) + 1, old.loss_curve_])
        (xy,) = drawn(LossCurveDisplay.from_estimator(old, x="second"))
        assert_array_equal(xy[:, 0], old.time_curve_)
        match = f"x='update' needs update_curve_ .* {7 + more} epochs it has {n_known}:"
        with pytest.raises(ValueError, match=match):
            LossCurveDisplay.from_estimator(old, x="update")

    def test_the_constructor_has_the_data(self):
        display = LossCurveDisplay({"mine": ([1, 2], [3, 4])}, y_name="Error")
        assert not hasattr(display, "ax_")
        assert display.plot() is display
        assert_array_equal(drawn(display)[0], [[1, 3], [2, 4]])
        assert display.ax_.get_ylabel() == "Error"

    def test_axes_and_options_of_the_user(self, results):
        figure, ax = plt.subplots()
        display = LossCurveDisplay.from_result(results, ax=ax)
        assert display.ax_ is ax
        assert display.figure_ is figure
        display.plot(color="red", linewidth=7)
        assert {line.get_color() for line in display.lines_} == {"red"}

    def test_many_curves_have_their_legend_beside_them(self):
        curves = {str(k): ([0, 1], [k, k + 1]) for k in range(9)}
        display = LossCurveDisplay(curves).plot()
        assert_told_apart(display)
        display.figure_.canvas.draw()
        box = display.ax_.get_legend().get_window_extent()
        assert box.x0 >= display.ax_.get_window_extent().x1
        assert box.x1 <= display.figure_.bbox.x1


FIVE_EPOCHS = {"alpha": 0, "max_iter": 5, "tol": None, "random_state": 0}


@pytest.fixture
def points():
    x = np.random.default_rng(0).uniform(size=40)
    return x[:, None], 3 * x + 0.5


class TestFittedLines:
    def test_lines_points_and_losses(self, points):
        X, y = points
        models = {
            loss: GDRegressor(loss, **FIVE_EPOCHS).fit(X, y)
            for loss in ("squared_error", "huber")
        }
        display = FittedLineDisplay.from_estimator(models, X, y, yscale="log")
        assert_array_equal(display.points_.get_xydata(), np.c_[X, y])
        x = np.sort(X[:, 0])
        for xy, model in zip(drawn(display), models.values(), strict=True):
            assert_array_equal(xy[:, 0], x)
            assert_allclose(xy[:, 1], model.coef_[0] * x + model.intercept_[0])
        losses = drawn(display.loss_display_)
        for xy, model in zip(losses, models.values(), strict=True):
            assert_array_equal(xy, np.c_[np.arange(1, 6), model.loss_curve_])
        assert display.loss_display_.ax_ is display.axes_[1]
        assert display.axes_[1].get_yscale() == "log"
        texts = display.axes_[0].get_legend().get_texts()
        assert [text.get_text() for text in texts] == list(models)
        assert_told_apart(display)

    def test_a_curve_is_drawn_in_the_order_of_x(self, points):
        X, y = points
        model = GDRegressor("poisson", **FIVE_EPOCHS).fit(X, y)
        (xy,) = drawn(FittedLineDisplay.from_estimator(model, X, y))
        assert_allclose(xy[:, 1], model.predict(xy[:, :1]))
        assert np.all(np.diff(xy, axis=0) > 0)

    def test_names_of_a_frame(self, points):
        pd = pytest.importorskip("pandas")
        X, y = pd.DataFrame(points[0], columns=["dose"]), pd.Series(points[1])
        model = GDRegressor(**FIVE_EPOCHS).fit(X, y)
        ax = FittedLineDisplay.from_estimator(model, X, y).axes_[0]
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("dose", "y")
        ax = FittedLineDisplay.from_estimator(model, X, y.rename("effect")).axes_[0]
        assert ax.get_ylabel() == "effect"

    def test_axes_and_options_of_the_user(self, points):
        model = GDRegressor(**FIVE_EPOCHS).fit(*points)
        figure, axes = plt.subplots(2, 1)
        display = FittedLineDisplay.from_estimator(model, *points, axes=axes)
        assert display.figure_ is figure
        assert list(display.axes_) == list(axes)
        assert display.plot(axes, color="red").lines_[0].get_color() == "red"

    def test_errors(self, points):
        X, y = points
        model = GDRegressor(**FIVE_EPOCHS).fit(X, y)
        with pytest.raises(ValueError, match="X must have one feature, got 2"):
            FittedLineDisplay.from_estimator(model, np.hstack([X, X]), y)
        with pytest.raises(ValueError, match="axes must be 2 matplotlib Axes, got 1"):
            FittedLineDisplay.from_estimator(model, X, y, axes=plt.gca())
        classifier = GDClassifier(**FIVE_EPOCHS).fit(X, y > 2)
        with pytest.raises(TypeError, match="regressors, got GDClassifier"):
            FittedLineDisplay.from_estimator(classifier, X, y)


class TestBatchSizes:
    @pytest.fixture
    def data(self):
        X = np.random.default_rng(0).normal(size=(50, 3))
        return X, X[:, 0] > X[:, 1]

    model = GDClassifier(max_iter=3, tol=None, random_state=0)

    @pytest.mark.parametrize(
        "estimator", [SGDClassifier(), make_pipeline(model), GDClassifier], ids=repr
    )
    def test_other_estimators(self, data, estimator):
        match = "from_estimator: estimator must be a GDRegressor or GDClassifier .* got"
        with pytest.raises(TypeError, match=match):
            BatchSizeDisplay.from_estimator(estimator, *data)

    def test_no_sizes(self, data):
        with pytest.raises(ValueError, match="batch_sizes must not be empty"):
            BatchSizeDisplay.from_estimator(self.model, *data, batch_sizes=[])

    def test_scores_are_those_of_cross_validation(self, data):
        sizes = [1, 7, None]
        display = BatchSizeDisplay.from_estimator(
            self.model, *data, batch_sizes=sizes, cv=4, scoring="neg_log_loss"
        )
        for k, size in enumerate(sizes):
            model = GDClassifier(**self.model.get_params() | {"batch_size": size})
            expected = cross_validate(
                model, *data, cv=4, scoring="neg_log_loss", return_train_score=True
            )
            assert_array_equal(display.train_scores[k], expected["train_score"])
            assert_array_equal(display.test_scores[k], expected["test_score"])
        assert display.axes_[2].get_ylabel() == "neg_log_loss"
        assert self.model.batch_size == "auto"

    def test_updates_are_those_of_the_fits(self, data):
        (train, test) = np.arange(40), np.arange(40, 50)
        display = BatchSizeDisplay.from_estimator(self.model, *data, cv=[(train, test)])
        assert_array_equal(display.batch_sizes, [1, 4, 16, 40])
        for size, n_updates in zip(display.batch_sizes, display.n_updates, strict=True):
            model = GDClassifier(
                batch_size=size, schedule="constant", max_iter=3, tol=None
            ).fit(data[0][train], data[1][train])
            assert n_updates == model.t_ / 3
        assert display.epoch_times.shape == (4, 1)
        assert np.all(display.epoch_times > 0)

    def test_what_is_held_out_of_a_fit_makes_no_updates(self, data):
        """Of 40 rows a quarter is held out; 30 are trained on."""
        model = clone(self.model).set_params(
            early_stopping=True, validation_fraction=0.25
        )
        folds = [(np.arange(40), np.arange(40, 50))]
        display = BatchSizeDisplay.from_estimator(model, *data, cv=folds)
        assert_array_equal(display.batch_sizes, [1, 4, 16, 30])
        assert_array_equal(display.n_updates, [30, 8, 2, 1])
        # 0.33 of 40 are 13.2: scikit-learn holds out 14.
        model.set_params(validation_fraction=0.33)
        display = BatchSizeDisplay.from_estimator(
            model, *data, batch_sizes=[1, None], cv=folds
        )
        assert_array_equal(display.batch_sizes, [1, 26])
        assert_array_equal(display.n_updates, [26, 1])

    def test_what_is_drawn(self):
        display = BatchSizeDisplay(
            [1, 10],
            epoch_times=[[5, 6, 10], [1, 2, 9]],
            n_updates=[10, 1],
            train_scores=[[1, 2, 6], [4, 5, 6]],
            test_scores=[[0, 1, 2], [2, 3, 4]],
        ).plot()
        epoch, update, updates, training, held_out = drawn(display)
        assert_array_equal(epoch, [[1, 6], [10, 2]])
        assert_array_equal(update, [[1, 0.6], [10, 2]])
        assert_array_equal(updates, [[1, 10], [10, 1]])
        assert_array_equal(training, [[1, 3], [10, 5]])
        assert_array_equal(held_out, [[1, 1], [10, 3]])
        assert [ax.get_xscale() for ax in display.axes_] == ["log"] * 3
        assert [ax.get_yscale() for ax in display.axes_] == ["log", "log", "linear"]

    def test_times_are_seconds_of_whole_epochs(self, data):
        folds = [(np.arange(40), np.arange(40, 50))]
        start = perf_counter()
        display = BatchSizeDisplay.from_estimator(
            self.model, *data, batch_sizes=[1], cv=folds
        )
        assert 3 * display.epoch_times[0, 0] < perf_counter() - start
        assert display.update_times[0, 0] == display.epoch_times[0, 0] / 40

    @pytest.mark.parametrize("sizes", [[0], [4, -1], [2.5], ["all"]])
    def test_errors(self, data, sizes):
        with pytest.raises((ValueError, TypeError), match="batch_sizes"):
            BatchSizeDisplay.from_estimator(self.model, *data, batch_sizes=sizes)


class TestTrajectories:
    def test_contours(self, results):
        display = TrajectoryDisplay.from_function(valley, results, n_levels=9)
        for xy, result in zip(drawn(display), results.values(), strict=True):
            assert_array_equal(xy, result.trajectory)
        x, y = display.grid
        assert display.values.shape == (len(y), len(x)) == (100, 100)
        assert_allclose(display.values[7, 3], valley([x[3], y[7]]))
        levels = display.graph_.levels
        assert len(levels) == 9
        assert np.all(np.diff(np.diff(levels)) > 0)
        assert display.values.min() < levels[0]
        assert levels[-1] < display.values.max()
        assert legend(display) == list(results)
        assert_told_apart(display)

    def test_all_points_are_in_view(self, results):
        display = TrajectoryDisplay.from_function(valley, results)
        points = np.concatenate([r.trajectory for r in results.values()])
        for k, limits in enumerate([display.ax_.get_xlim(), display.ax_.get_ylim()]):
            assert limits[0] < points[:, k].min()
            assert points[:, k].max() < limits[1]

    def test_a_divergence_does_not_set_the_view(self):
        runs = [
            minimize(valley, [3, 1], learning_rate=rate, max_iter=30)
            for rate in (0.02, 0.11)
        ]
        assert runs[1].behavior == "diverged"
        display = TrajectoryDisplay.from_function(valley, runs)
        assert display.ax_.get_ylim()[1] < 2
        assert np.abs(runs[1].trajectory).max() > 10

    def test_a_path_that_diverged_says_how_much_of_it_is_seen(self):
        runs = {
            "slow": minimize(valley, [3, 1], learning_rate=0.02, max_iter=30),
            "fast": minimize(valley, [3, 1], learning_rate=0.11, max_iter=30),
        }
        display = TrajectoryDisplay.from_function(valley, runs)
        (low_x, high_x), (low_y, high_y) = (
            display.ax_.get_xlim(),
            display.ax_.get_ylim(),
        )
        x, y = runs["fast"].trajectory.T
        seen = np.sum((x >= low_x) & (x <= high_x) & (y >= low_y) & (y <= high_y))
        assert 0 < seen < 31
        label = f"fast (diverged: {seen} of 31 points in view)"
        assert legend(display) == ["slow", label]
        assert_array_equal(drawn(display)[0], runs["slow"].trajectory)

    def test_limits(self):
        """A pair for each variable; of one variable the pair alone will do."""
        run = minimize(lambda x: x[0] ** 2, 1.0, learning_rate=0.1)
        for limits in ((-3, 3), [(-3, 3)]):
            display = TrajectoryDisplay.from_function(
                lambda x: x[0] ** 2, run, limits=limits
            )
            assert (display.grid[0][0], display.grid[0][-1]) == (-3, 3)
        for limits in (3, (3, -3), [(0, 1), (0, 1)], "wide", (0, np.inf)):
            with pytest.raises(ValueError, match=r"limits must be a pair .* each of 1"):
                TrajectoryDisplay.from_function(lambda x: x[0] ** 2, run, limits=limits)

    def test_nothing_but_a_divergence_in_one_dimension(self):
        """x_t = 5 (−1.2)^t: 11 points have |x² − 25| <= 100 (6² − 5²)."""
        run = minimize(lambda x: x[0] ** 2, 5.0, learning_rate=1.1, jac=lambda x: 2 * x)
        assert run.behavior == "diverged"
        display = TrajectoryDisplay.from_function(lambda x: x[0] ** 2, run)
        near = 5 * (-1.2) ** np.arange(11)
        assert near[-1] ** 2 - 25 <= 1100 < (1.2 * near[-1]) ** 2 - 25
        assert_allclose(drawn(display)[0][:11, 0], near, rtol=1e-12)
        low, high = display.ax_.get_xlim()
        margin = 0.15 * (near.max() - near.min())
        assert_allclose([low, high], [near.min() - margin, near.max() + margin])
        assert legend(display) == [
            f"diverged: 11 of {len(run.trajectory)} points in view"
        ]
        display.figure_.canvas.draw()

    def test_nothing_but_a_divergence_in_two_dimensions(self):
        def rosenbrock(x):
            return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

        run = minimize(rosenbrock, [-1, 1], learning_rate=0.01)
        assert len(run.trajectory) == 9
        assert np.abs(run.trajectory).max() > 1e100
        display = TrajectoryDisplay.from_function(rosenbrock, run)
        assert legend(display) == ["diverged: 3 of 9 points in view"]
        assert np.abs([display.ax_.get_xlim(), display.ax_.get_ylim()]).max() < 2
        (xy,) = drawn(display)
        assert_array_equal(xy, run.trajectory[: len(xy)])
        assert 3 < len(xy) < 9
        display.figure_.canvas.draw()

    @pytest.mark.parametrize("rate", [1e5, 1e100, 1e200])
    def test_a_divergence_in_one_step(self, rate):
        run = minimize(valley, [3, 1], jac=lambda x: x * [2, 20], learning_rate=rate)
        display = TrajectoryDisplay.from_function(valley, run)
        limits = np.array([display.ax_.get_xlim(), display.ax_.get_ylim()])
        assert np.isfinite(limits).all()
        assert (limits[:, 0] < [3, 1]).all()
        assert (limits[:, 1] > [3, 1]).all()
        display.figure_.canvas.draw()

    def test_points_that_are_not_finite_are_left_out(self):
        run = minimize(valley, [3, 1], learning_rate=10.0)
        assert not np.isfinite(run.fun_curve[-1])
        display = TrajectoryDisplay.from_function(valley, run, limits=[(-4, 4)] * 2)
        assert np.isfinite(drawn(display)[0]).all()

    def test_graph(self):
        result = minimize(parabola, 0.0, learning_rate=0.1, max_iter=12)
        display = TrajectoryDisplay.from_function(parabola, result, n_points=50)
        (xy,) = drawn(display)
        assert_array_equal(xy[:, 0], result.trajectory[:, 0])
        assert_allclose(xy[:, 1], result.fun_curve)
        x, y = display.graph_.get_data()
        assert_allclose(y, (x - 2.5) ** 2 - 1)
        assert len(x) == 50

    def test_limits_and_arguments(self):
        def fun(x, a):
            return (x[0] - a) ** 2

        display = TrajectoryDisplay.from_function(
            fun, np.array([[0.0], [1.0]]), args=(2.0,), limits=[(-1, 5)]
        )
        assert display.ax_.get_xlim() == (-1, 5)
        assert_array_equal(drawn(display)[0], [[0, 4], [1, 1]])

    def test_animation(self, results, tmp_path):
        from PIL import Image

        display = TrajectoryDisplay.from_function(valley, results)
        complete = drawn(display)
        path = tmp_path / "descent.gif"
        assert display.animate(path, n_frames=5, fps=2, dpi=40) is display
        with Image.open(path) as gif:
            # Pillow joins equal pictures: the rest at the end is one of two seconds.
            assert gif.n_frames >= 5
            gif.seek(0)
            first = np.array(gif.convert("RGB"))
            gif.seek(gif.n_frames - 1)
            last = np.array(gif.convert("RGB"))
        assert (first != last).any()
        for before, after in zip(complete, drawn(display), strict=True):
            assert_array_equal(before, after)

    @pytest.mark.parametrize(
        ("results", "message"),
        [
            (np.zeros((3, 3)), "in one dimension or in two"),
            ([np.zeros((3, 1)), np.zeros((3, 2))], "all in the same, got \\[1, 2\\]"),
            (np.zeros(3), "shape \\(n_points, n\\)"),
            (
                minimize(valley, [1, 1], record=None),
                "results: there is no trajectory; minimize with record='iteration'",
            ),
            ([], "nothing to draw"),
        ],
    )
    def test_errors(self, results, message):
        with pytest.raises(ValueError, match=message):
            TrajectoryDisplay.from_function(valley, results)


class TestSchedules:
    def test_factors_and_rates(self):
        schedules = ["cosine", Cosine(horizon=10), lambda t: 1 / t]
        display = ScheduleDisplay.from_schedule(schedules, 40, learning_rate=0.5)
        t = np.arange(1, 41)
        expected = [Cosine(horizon=40)(t), Cosine(horizon=10)(t), 1 / t]
        for xy, factors in zip(drawn(display), expected, strict=True):
            assert_allclose(xy, np.c_[t, 0.5 * factors])
        assert display.ax_.get_ylabel() == "Learning rate"
        assert legend(display)[:2] == ["cosine", "Cosine(horizon=10)"]

    def test_epochs(self):
        from skgd.schedules import Step

        display = ScheduleDisplay.from_schedule(
            Step(every=1, unit="epoch"), 4, steps_per_epoch=2
        )
        assert_allclose(drawn(display)[0][:, 1], [1, 1, 0.1, 0.1])
        assert display.ax_.get_ylabel() == "Factor on the learning rate"


class TestCoefficients:
    def test_estimators(self, models):
        display = CoefficientPathDisplay.from_estimators(models)
        assert len(display.lines_) == 4
        order = [1, 2, 0]
        for k, xy in enumerate(drawn(display)):
            assert_array_equal(xy[:, 0], [1e-3, 0.01, 0.1])
            assert_array_equal(xy[:, 1], [models[i].coef_[k] for i in order])
        assert display.ax_.get_xscale() == "log"
        assert display.ax_.get_xlabel() == "alpha"
        assert legend(display) == ["1", "2", "3", "4"]

    def test_result(self, results):
        result = results["adam"]
        display = CoefficientPathDisplay.from_result(result, names=["a", "b"])
        assert_array_equal(np.array(drawn(display))[:, :, 1].T, result.trajectory)
        assert legend(display) == ["a", "b"]
        assert display.ax_.get_xscale() == "linear"

    def test_columns_of_the_same_name_are_kept_apart(self):
        coef = np.arange(6.0).reshape(2, 3)
        names = np.array(["a", "b", "a"], dtype=object)
        display = CoefficientPathDisplay([1, 2], coef, names=names).plot()
        assert_array_equal(np.array(drawn(display))[:, :, 1].T, coef)
        assert legend(display) == ["1 a", "b", "3 a"]
        # Also where the number makes a name that there is.
        display = CoefficientPathDisplay([1, 2], coef, names=["a", "a", "1 a"]).plot()
        assert_array_equal(np.array(drawn(display))[:, :, 1].T, coef)

    @pytest.mark.parametrize("x_name", ["Iteration", "alpha", "Seconds"])
    def test_the_axis_does_not_depend_on_its_label(self, x_name):
        def ticks(x, **options):
            coef = np.ones((len(x), 1))
            names = {"x_name": x_name} | options
            display = CoefficientPathDisplay(x, coef, **names).plot()
            return display.ax_.get_xticks(), display.ax_.get_xscale()

        whole, scale = ticks([0, 1, 2])
        assert_array_equal(whole, np.round(whole))
        assert scale == "linear"
        fractions, scale = ticks([0.0, 1.0, 2.0])
        assert (fractions != np.round(fractions)).any()
        assert scale == "linear"
        assert ticks([0.1, 1.0, 100.0])[1] == "linear"
        assert ticks([0.1, 1.0, 100.0], xscale="log")[1] == "log"
        with pytest.raises(ValueError, match=r"xscale must be .*'log'.* got 'lag'"):
            CoefficientPathDisplay([1.0], [[1.0]], xscale="lag")

    @pytest.mark.parametrize(("low", "scale"), [(0.02, "log"), (0.021, "linear")])
    def test_a_wide_range_of_a_parameter_is_logarithmic(self, models, low, scale):
        narrow = [clone(models[0]).set_params(alpha=a) for a in (low, 1.0)]
        X = np.random.default_rng(0).normal(size=(20, 2))
        for model in narrow:
            model.fit(X, X[:, 0])
        display = CoefficientPathDisplay.from_estimators(narrow)
        assert display.xscale == display.ax_.get_xscale() == scale


class TestLearningRateRange:
    def test_losses_and_suggestion(self):
        X = np.random.default_rng(0).normal(size=(60, 3))
        y = X @ [1.0, 2.0, 3.0]
        model = GDRegressor(random_state=0)
        found = lr_find(model, X, y, n_steps=40)
        display = LearningRateRangeDisplay.from_estimator(model, X, y, n_steps=40)
        loss, mark = drawn(display)
        assert_array_equal(loss, np.c_[found.learning_rates, found.losses])
        assert_array_equal(mark[:, 0], found.suggestion)
        assert display.ax_.get_xscale() == "log"
        assert legend(display) == [f"suggestion {found.suggestion:.2g}"]


class TestEverywhere:
    def test_whole_numbers_on_axes_that_count(self):
        displays = [
            LossCurveDisplay({"a": ([0, 1, 2], [2, 1, 0])}).plot(),
            ScheduleDisplay.from_schedule("constant", 3),
            CoefficientPathDisplay([0, 1, 2], [[1], [2], [3]]).plot(),
        ]
        for display in displays:
            ticks = display.ax_.get_xticks()
            assert_array_equal(ticks, np.round(ticks))

    @pytest.mark.parametrize("x_name", ["Epoch", "Seconds"])
    def test_losses_against_what_is_no_count(self, x_name):
        def ticks(x):
            display = LossCurveDisplay({"a": (x, [2, 1, 0])}, x_name=x_name).plot()
            return display.ax_.get_xticks()

        assert_array_equal(ticks([0, 1, 2]), np.round(ticks([0, 1, 2])))
        fractions = ticks([0.0, 1.0, 2.0])
        assert (fractions != np.round(fractions)).any()

    @pytest.mark.parametrize("width", [3.3, 6.4, 12.0])
    def test_no_label_is_cut_off(self, results, width):
        for draw in (
            lambda ax: LossCurveDisplay.from_result(results, ax=ax),
            lambda ax: TrajectoryDisplay.from_function(valley, results, ax=ax),
            lambda ax: ScheduleDisplay.from_schedule("cosine", 9, ax=ax),
        ):
            figure, ax = plt.subplots(
                figsize=(width, 0.75 * width), layout="constrained"
            )
            draw(ax)
            figure.canvas.draw()
            for label in (ax.xaxis.label, ax.yaxis.label):
                box = label.get_window_extent()
                assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
                assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (
                lambda m: LossCurveDisplay.from_estimator(GDRegressor()),
                NotFittedError,
                "GDRegressor instance is not fitted",
            ),
            (
                lambda m: LossCurveDisplay.from_estimator(Ridge()),
                TypeError,
                r"estimators must be fitted GDRegressor or GDClassifier.*Ridge\(\)",
            ),
            (
                lambda m: LossCurveDisplay.from_estimator(make_pipeline(m[0])),
                TypeError,
                r"its last step, pipeline\[-1\]\), got Pipeline",
            ),
            (
                lambda m: LossCurveDisplay.from_estimator(None),
                TypeError,
                "estimators must be .* got None",
            ),
            (lambda m: LossCurveDisplay.from_estimator([]), ValueError, r"got \[\]"),
            (
                lambda m: LossCurveDisplay.from_result(m[0]),
                TypeError,
                "results must be what skgd.minimize returned.* got GDRegressor",
            ),
            (
                lambda m: CoefficientPathDisplay.from_estimators(m, "alhpa"),
                ValueError,
                "GDRegressor has no parameter 'alhpa'. Did you mean 'alpha'",
            ),
            (
                lambda m: CoefficientPathDisplay.from_estimators(m[0]),
                TypeError,
                "estimators must be a list of fitted .* got GDRegressor",
            ),
            (
                lambda m: CoefficientPathDisplay.from_estimators([3]),
                TypeError,
                "estimators must be a list of fitted .* got 3 in it",
            ),
            (
                lambda m: CoefficientPathDisplay.from_estimators([]),
                ValueError,
                "estimators must not be empty",
            ),
            (
                lambda m: CoefficientPathDisplay.from_estimators(m, "optimizer"),
                TypeError,
                "optimizer must be a finite real number, got 'auto'",
            ),
            (
                lambda m: CoefficientPathDisplay.from_estimators([m[0], GDRegressor()]),
                NotFittedError,
                "not fitted",
            ),
            (
                lambda m: CoefficientPathDisplay.from_estimators(
                    [m[0], clone(m[0]).fit([[0.0], [1.0]], [0.0, 1.0])]
                ),
                ValueError,
                r"same number of coefficients, got \[1, 4\]",
            ),
            (
                lambda m: CoefficientPathDisplay.from_estimators(
                    [make_pipeline(m[0])], "gdregressor__alpha"
                ),
                TypeError,
                r"Pipeline has no coef_.*pipeline\[-1\]",
            ),
            (
                lambda m: CoefficientPathDisplay.from_result(m[0]),
                TypeError,
                "a path must be what skgd.minimize returned .* got GDRegressor",
            ),
            (
                lambda m: TrajectoryDisplay.from_function(None, np.zeros((2, 1))),
                TypeError,
                "fun must be a function of x, got None",
            ),
            (
                lambda m: TrajectoryDisplay.from_function(
                    lambda x: np.nan, np.zeros((2, 2)), limits=[(0, 1), (0, 2)]
                ),
                ValueError,
                r"fun is finite nowhere within limits=\[\[0.0, 1.0\], \[0.0, 2.0\]\]",
            ),
        ],
    )
    def test_what_cannot_be_drawn(self, models, call, error, message):
        with pytest.raises(error, match=message):
            call(models)
        assert not plt.get_fignums()

    @pytest.mark.parametrize("kind", ["name", "figure", "array"])
    def test_the_axes_must_be_axes(self, models, results, kind):
        ax = {"name": "x", "figure": plt.figure(), "array": plt.subplots(2)[1]}[kind]
        for draw in (
            lambda: LossCurveDisplay.from_estimator(models, ax=ax),
            lambda: LossCurveDisplay.from_result(results, ax=ax),
            lambda: TrajectoryDisplay.from_function(valley, results, ax=ax),
            lambda: ScheduleDisplay.from_schedule("cosine", 9, ax=ax),
            lambda: CoefficientPathDisplay.from_estimators(models, ax=ax),
            lambda: LearningRateRangeDisplay([1, 2], [3, 4], 1.5).plot(ax),
        ):
            with pytest.raises(TypeError, match="ax must be None or a matplotlib Axes"):
                draw()

    def test_without_matplotlib(self, monkeypatch):
        def refuse(name, *args, **kwargs):
            raise ImportError(name)

        monkeypatch.setattr("skgd.displays.import_module", refuse)
        with pytest.raises(ImportError, match=r"skgd\[plot\]"):
            ScheduleDisplay.from_schedule("cosine", 9)

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (
                lambda r: LossCurveDisplay.from_result(r, x="epochs"),
                ValueError,
                "'epoch'",
            ),
            (
                lambda r: LossCurveDisplay.from_result(r, yscale="lag"),
                ValueError,
                "'log'",
            ),
            (
                lambda r: ScheduleDisplay.from_schedule("cosine", 0),
                ValueError,
                "n_steps",
            ),
            (
                lambda r: ScheduleDisplay.from_schedule("cosin", 9),
                ValueError,
                "'cosine'",
            ),
            (
                lambda r: TrajectoryDisplay.from_function(valley, r, n_levels=0),
                ValueError,
                "n_levels",
            ),
        ],
    )
    def test_bad_arguments(self, results, call, error, message):
        with pytest.raises(error, match=message):
            call(results)
