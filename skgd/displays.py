"""Pictures of what happened: losses, fits, descents, rates, coefficients.

Each display holds the data of one picture, in its attributes and as the arguments of
its constructor, and draws them with ``plot``; the class methods ``from_...`` do both.
They need matplotlib, which the extra ``plot`` installs. Curves differ in colour, in
line style and in their marks, so that they can be told apart in grey and by the
colour-blind; the colours are those of Okabe and Ito.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils import check_X_y
from sklearn.utils.validation import check_is_fitted

from ._lr_find import lr_find
from ._model import LinearModel
from ._validation import Choice, Instance, Number, check_parameters, did_you_mean
from .schedules import as_schedule

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINES = ("-", "--", "-.", (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5, 1, 1.5)))
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_X_NAMES = {"epoch": "Epoch", "update": "Update", "second": "Seconds"}
_SCALE = Choice("linear", "log", "symlog")


class _Display:
    """What the displays share: axes, and one style for each name."""

    figure_: Any
    ax_: Any
    lines_: list[Any]

    def _axes(self, ax):
        """Return the axes to draw in, new ones if none are given."""
        if ax is None:
            _, ax = _matplotlib("pyplot").subplots(layout="constrained")
        axes = Choice(None) | Instance(_matplotlib("axes").Axes, "a matplotlib Axes")
        _check(type(self).__name__, ax=(ax, axes))
        self.ax_, self.figure_, self.lines_ = ax, ax.figure, []
        return ax

    def _panels(self, axes, n, **options):
        """Return the n axes to draw in, new ones side by side if none are given."""
        if axes is None:
            subplots = _matplotlib("pyplot").subplots
            _, axes = subplots(1, n, layout="constrained", **options)
        axes = np.ravel(axes)
        if len(axes) != n:
            raise ValueError(
                f"plot: axes must be {n} matplotlib Axes, got {len(axes)}."
            )
        self.axes_, self.figure_, self.lines_ = axes, axes[0].figure, []
        return axes

    def _draw(self, ax, curves, *, most_marks=12, **options):
        """Draw pairs of a name and a curve, with a legend if there are several."""
        for i, (name, (x, y)) in enumerate(curves):
            every = max(1, len(x) // most_marks)
            # Not all at the same places, where they would hide each other.
            marks = {"markevery": (i * every // len(curves), every)}
            style = _style(i) | marks | options
            self.lines_ += ax.plot(x, y, label=name, **style)
        if len(curves) > 1:
            self._add_legend(ax, len(curves))

    def _add_legend(self, ax, n_curves):
        if n_curves <= 5:
            ax.legend(framealpha=0.85, edgecolor="none")
            return
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))


class LossCurveDisplay(_Display):
    """The loss of one or several fits, against epochs, updates or seconds.

    Parameters
    ----------
    curves : dict of str to (array-like, array-like)
        Abscissas and losses, by the name for the legend. Abscissas that are integers
        count something: then only whole numbers are labelled.
    x_name, y_name : str, default="Epoch", "Loss"
        The labels of the axes.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    lines_ : list of matplotlib Line2D
        One for each curve.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skgd import GDRegressor
    >>> from skgd.displays import LossCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = GDRegressor(max_iter=20, tol=None, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> len(display.lines_[0].get_xdata())
    20
    """

    def __init__(self, curves, *, x_name="Epoch", y_name="Loss"):
        self.curves = {
            name: (np.asarray(x), np.asarray(y)) for name, (x, y) in curves.items()
        }
        self.x_name = x_name
        self.y_name = y_name

    @classmethod
    def from_estimator(cls, estimators, *, x="epoch", ax=None, yscale="linear"):
        """Draw the ``loss_curve_`` of fitted estimators.

        Parameters
        ----------
        estimators : estimator, list of them, or dict of str to estimator
            A dict has the names for the legend.
        x : {"epoch", "update", "second"}, default="epoch"
            What to draw against. An update is a step of the optimizer; they are those
            of ``update_curve_``, and seconds those of ``time_curve_``.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        yscale : {"linear", "log", "symlog"}, default="linear"

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        TypeError
            For anything but `GDRegressor` and `GDClassifier`.
        NotFittedError
            For one that is not fitted.
        ValueError
            If the curve of ``x`` lacks epochs, which an older version trained.
        """
        _check("from_estimator", x=(x, Choice(*_X_NAMES)))
        curves = {}
        for name, estimator in _by_name(estimators).items():
            _check("from_estimator", estimators=(estimator, _ESTIMATORS))
            check_is_fitted(estimator)
            curves[name] = _abscissas(estimator, x), estimator.loss_curve_
        return cls(curves, x_name=_X_NAMES[x]).plot(ax, yscale=yscale)

    @classmethod
    def from_result(cls, results, *, x="epoch", ax=None, yscale="linear"):
        """Draw the ``fun_curve`` of results of `skgd.minimize`.

        Parameters
        ----------
        results : OptimizeResult, list of them, or dict of str to OptimizeResult
            A dict has the names for the legend.
        x : {"epoch", "update", "second"}, default="epoch"
            What to draw against. An epoch is an iteration.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        yscale : {"linear", "log", "symlog"}, default="linear"

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        TypeError
            For anything but results of `skgd.minimize`.
        """
        _check("from_result", x=(x, Choice(*_X_NAMES)))
        curves = {}
        for name, result in _by_name(results).items():
            _check("from_result", results=(result, _RESULTS))
            iterations = np.arange(result.nit + 1)
            abscissas = {
                "epoch": iterations,
                "update": iterations * (result.t // max(result.nit, 1)),
                "second": result.time_curve,
            }
            curves[name] = abscissas[x], result.fun_curve
        x_name = "Iteration" if x == "epoch" else _X_NAMES[x]
        return cls(curves, x_name=x_name, y_name="Objective").plot(ax, yscale=yscale)

    def plot(self, ax=None, *, yscale="linear", **options):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        yscale : {"linear", "log", "symlog"}, default="linear"
        **options
            For the lines, as ``Axes.plot`` takes them.

        Returns
        -------
        self
        """
        _check("plot", yscale=(yscale, _SCALE))
        ax = self._axes(ax)
        self._draw(ax, self.curves.items(), **options)
        ax.set(xlabel=self.x_name, ylabel=self.y_name, yscale=yscale)
        if all(map(_counts, [x for x, _ in self.curves.values()])):
            _count_on(ax.xaxis)
        return self


class FittedLineDisplay(_Display):
    """Models of one feature over their points, and the loss of each epoch.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        The points.
    curves : dict of str to (array-like, array-like)
        Abscissas and predictions, by the name for the legend.
    loss_curves : dict of str to array-like of shape (n_epochs,)
        The losses, by the same names.
    x_name, y_name : str, default="x", "y"
        The labels of the axes.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        That of the points and that of the losses.
    figure_ : matplotlib Figure
    points_ : matplotlib Line2D
    lines_ : list of matplotlib Line2D
        The predictions of each model.
    loss_display_ : LossCurveDisplay
        The losses.

    Examples
    --------
    >>> import numpy as np
    >>> from skgd import GDRegressor
    >>> from skgd.displays import FittedLineDisplay
    >>> X = np.linspace(0, 1, 20)[:, None]
    >>> y = 3 * X[:, 0] + 0.5
    >>> model = GDRegressor(alpha=0, random_state=0).fit(X, y)
    >>> display = FittedLineDisplay.from_estimator(model, X, y)
    >>> display.lines_[0].get_ydata()[[0, -1]].round(2)
    array([0.5, 3.5])
    """

    axes_: np.ndarray
    points_: Any
    loss_display_: LossCurveDisplay

    def __init__(self, x, y, curves, loss_curves, *, x_name="x", y_name="y"):
        self.x = np.asarray(x)
        self.y = np.asarray(y)
        self.curves = {
            name: (np.asarray(x), np.asarray(y)) for name, (x, y) in curves.items()
        }
        self.loss_curves = {
            name: np.asarray(losses) for name, losses in loss_curves.items()
        }
        self.x_name = x_name
        self.y_name = y_name

    @classmethod
    def from_estimator(cls, estimators, X, y, *, axes=None, yscale="linear"):
        """Draw what fitted regressors predict at the points, and their ``loss_curve_``.

        Parameters
        ----------
        estimators : GDRegressor, list of them, or dict of str to GDRegressor
            A dict has the names for the legend.
        X : array-like of shape (n_samples, 1)
        y : array-like of shape (n_samples,)
        axes : pair of matplotlib Axes, default=None
            For the points and for the losses; None makes new ones.
        yscale : {"linear", "log", "symlog"}, default="linear"
            That of the losses.

        Returns
        -------
        FittedLineDisplay

        Raises
        ------
        ValueError
            If there is not exactly one feature.
        TypeError
            If an estimator is not a regressor.
        """
        points, targets = check_X_y(X, y, y_numeric=True)
        if points.shape[1] != 1:
            raise ValueError(
                f"from_estimator: X must have one feature, got {points.shape[1]}."
            )
        order = np.argsort(points[:, 0], kind="stable")
        curves, loss_curves = {}, {}
        for name, estimator in _by_name(estimators).items():
            if not is_regressor(estimator):
                raise TypeError(
                    "from_estimator: estimators must be regressors, got "
                    f"{type(estimator).__name__}."
                )
            curves[name] = points[order, 0], estimator.predict(X)[order]
            loss_curves[name] = estimator.loss_curve_
        (x_name,) = getattr(X, "columns", ["x"])
        names = {"x_name": x_name, "y_name": getattr(y, "name", None) or "y"}
        display = cls(points[:, 0], targets, curves, loss_curves, **names)
        return display.plot(axes, yscale=yscale)

    def plot(self, axes=None, *, yscale="linear", **options):
        """Draw the points, the predictions and the losses.

        Parameters
        ----------
        axes : pair of matplotlib Axes, default=None
            For the points and for the losses; None makes new ones.
        yscale : {"linear", "log", "symlog"}, default="linear"
            That of the losses.
        **options
            For the lines of the predictions, as ``Axes.plot`` takes them.

        Returns
        -------
        self
        """
        _check("plot", yscale=(yscale, _SCALE))
        ax, loss_ax = self._panels(axes, 2, figsize=(8, 3.6))
        style = {"marker": ".", "linestyle": "none", "color": "0.6"}
        (self.points_,) = ax.plot(self.x, self.y, **style)
        # Without marks, which would look like points.
        self._draw(ax, self.curves.items(), **{"marker": ""} | options)
        ax.set(xlabel=self.x_name, ylabel=self.y_name)
        losses = {n: (np.arange(len(c)) + 1, c) for n, c in self.loss_curves.items()}
        self.loss_display_ = LossCurveDisplay(losses).plot(loss_ax, yscale=yscale)
        return self


class BatchSizeDisplay(_Display):
    """What the batch size changes: times, updates and scores.

    Parameters
    ----------
    batch_sizes : array-like of shape (n_sizes,)
    epoch_times : array-like of shape (n_sizes, n_fits)
        Seconds for an epoch, in each fit.
    n_updates : array-like of shape (n_sizes,)
        Updates in an epoch; of several fits, in that with the fewest.
    train_scores, test_scores : array-like of shape (n_sizes, n_fits)
        Scores on the samples of the fit, and on those held out.
    score_name : str, default="Score"
        The label of their axis.

    Attributes
    ----------
    update_times : ndarray of shape (n_sizes, n_fits)
        Seconds for an update.
    axes_ : ndarray of three matplotlib Axes
        For the times, the updates and the scores.
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        The medians of the times of an epoch and of an update, the updates, the means
        of the training and of the held-out scores.

    See Also
    --------
    sklearn.model_selection.ValidationCurveDisplay : The scores for any parameter.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgd import GDClassifier
    >>> from skgd.displays import BatchSizeDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = GDClassifier(max_iter=5, tol=None, random_state=0)
    >>> display = BatchSizeDisplay.from_estimator(model, X, y, cv=3)
    >>> display.batch_sizes.tolist()
    [1, 4, 16, 64, 256, 1024, 1198]
    >>> display.n_updates.tolist()
    [1198, 300, 75, 19, 5, 2, 1]
    """

    axes_: np.ndarray

    def __init__(
        self,
        batch_sizes,
        *,
        epoch_times,
        n_updates,
        train_scores,
        test_scores,
        score_name="Score",
    ):
        self.batch_sizes = np.asarray(batch_sizes)
        self.epoch_times = np.asarray(epoch_times)
        self.n_updates = np.asarray(n_updates)
        self.update_times = self.epoch_times / self.n_updates[:, None]
        self.train_scores = np.asarray(train_scores)
        self.test_scores = np.asarray(test_scores)
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, batch_sizes=None, cv=None, scoring=None, axes=None
    ):
        """Fit clones with each batch size, and draw what came out.

        All sizes make as many epochs if the estimator has ``tol=None``. Times are
        those of ``time_curve_``.

        Parameters
        ----------
        estimator : GDRegressor or GDClassifier
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        batch_sizes : list of int or None, default=None
            None among them stands for all samples that a fit trains on; None instead
            of them for the powers of four, and all.
        cv : int, splitter or iterable, default=None
            What is held out of each fit, as ``cross_validate`` takes it. None is five
            folds.
        scoring : str or callable, default=None
            None is the ``score`` of the estimator.
        axes : three matplotlib Axes, default=None
            For the times, the updates and the scores; None makes new ones.

        Returns
        -------
        BatchSizeDisplay

        Raises
        ------
        TypeError
            For anything but `GDRegressor` and `GDClassifier`.
        ValueError
            If ``batch_sizes`` is empty, or if one is less than 1.
        """
        _check("from_estimator", estimator=(estimator, _ESTIMATOR))
        folds = check_cv(cv, y, classifier=is_classifier(estimator))
        folds = list(folds.split(X, y))
        n_samples = _n_trained_on(estimator, min(len(train) for train, _ in folds))
        if batch_sizes is None:
            powers = 4 ** np.arange(20)
            batch_sizes = [*powers[powers < n_samples].tolist(), None]
        if len(batch_sizes) == 0:
            raise ValueError("from_estimator: batch_sizes must not be empty.")
        accepted = Choice(None) | Number(1, integer=True)
        for size in batch_sizes:
            _check("from_estimator", batch_sizes=(size, accepted))
        settings = {
            "cv": folds,
            "scoring": scoring,
            "return_train_score": True,
            "return_estimator": True,
            "error_score": "raise",
        }
        fits = [
            cross_validate(clone(estimator).set_params(batch_size=b), X, y, **settings)
            for b in batch_sizes
        ]
        sizes = np.array([n_samples if b is None else b for b in batch_sizes])
        return cls(
            sizes,
            epoch_times=[
                [m.time_curve_[-1] / len(m.time_curve_) for m in fit["estimator"]]
                for fit in fits
            ],
            n_updates=[min(map(_n_updates, fit["estimator"])) for fit in fits],
            train_scores=[fit["train_score"] for fit in fits],
            test_scores=[fit["test_score"] for fit in fits],
            score_name=scoring if isinstance(scoring, str) else "Score",
        ).plot(axes)

    def plot(self, axes=None, **options):
        """Draw the times, the updates and the scores against the batch size.

        Parameters
        ----------
        axes : three matplotlib Axes, default=None
            For the times, the updates and the scores; None makes new ones.
        **options
            For the lines, as ``Axes.plot`` takes them.

        Returns
        -------
        self
        """
        axes = self._panels(axes, 3, figsize=(9, 3.2))
        times = {
            "for an epoch": np.median(self.epoch_times, axis=1),
            "for an update": np.median(self.update_times, axis=1),
        }
        scores = {
            "training": np.mean(self.train_scores, axis=1),
            "held out": np.mean(self.test_scores, axis=1),
        }
        panels = [
            ("Seconds", "log", times),
            ("Updates in an epoch", "log", {"updates": self.n_updates}),
            (self.score_name, "linear", scores),
        ]
        for ax, (name, yscale, values) in zip(axes, panels, strict=True):
            curves = [(label, (self.batch_sizes, y)) for label, y in values.items()]
            self._draw(ax, curves, **options)
            ax.set(xlabel="Batch size", ylabel=name, xscale="log", yscale=yscale)
        return self


class TrajectoryDisplay(_Display):
    """The iterates of a descent on the graph or the contours of its function.

    Parameters
    ----------
    paths : dict of str to array-like of shape (n_points, 1) or (n_points, 2)
        The iterates, by the name for the legend.
    grid : tuple of one or two arrays
        The coordinates at which the function is known.
    values : ndarray of shape (len(grid[0]),) or (len(grid[1]), len(grid[0]))
        The function there.
    heights : dict of str to array-like of shape (n_points,), default=None
        The function at the iterates; needed in one dimension.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    lines_ : list of matplotlib Line2D
        The path of each name; in one dimension the marks on the graph.
    graph_ : matplotlib Line2D or QuadContourSet
        The function.

    Examples
    --------
    >>> from skgd import minimize
    >>> from skgd.displays import TrajectoryDisplay
    >>> def bowl(x):
    ...     return x[0] ** 2 + 4 * x[1] ** 2
    >>> paths = {
    ...     name: minimize(bowl, [3, 1], optimizer=name, learning_rate=0.1, max_iter=20)
    ...     for name in ("sgd", "momentum")
    ... }
    >>> display = TrajectoryDisplay.from_function(bowl, paths)
    >>> [line.get_xdata().size for line in display.lines_]
    [21, 21]
    """

    def __init__(self, paths, grid, values, *, heights=None):
        self.paths = {name: np.asarray(path) for name, path in paths.items()}
        self.grid = tuple(np.asarray(axis) for axis in grid)
        self.values = np.asarray(values)
        self.heights = heights

    @classmethod
    def from_function(
        cls, fun, results, *, args=(), limits=None, n_points=None, ax=None, **options
    ):
        """Evaluate a function of one or two variables and draw paths on it.

        Parameters
        ----------
        fun : callable
            ``fun(x, *args)`` for an ``x`` of shape (1,) or (2,).
        results : OptimizeResult or array of points, list of them, or dict by name
            What `skgd.minimize` returned, or the iterates themselves.
        args : tuple, default=()
        limits : sequence of (low, high), default=None
            The range of each variable; of a single one also ``(low, high)``. None is
            that of all paths that did not diverge, and a little more. If all did it is
            that of their first points, until the function has changed by a hundred
            times as much as up to the best point or in the first step. The legend says
            of a path that diverged how much of it is in the picture.
        n_points : int >= 2, default=None
            Points of the grid in each direction; None is 500 for one variable and 100
            for two.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        **options
            As for `plot`.

        Returns
        -------
        TrajectoryDisplay

        Raises
        ------
        ValueError
            If the points do not have one or two coordinates, or if the function is
            finite nowhere in the picture.
        TypeError
            If ``fun`` is not a function.
        """
        _check("from_function", fun=(fun, Instance(Callable, "a function of x")))
        results = _by_name(results)
        paths = {name: _as_path(name, result) for name, result in results.items()}
        dims = {path.shape[1] for path in paths.values()}
        if dims not in ({1}, {2}):
            raise ValueError(
                "from_function: results must be paths in one dimension or in two, all "
                f"in the same, got {sorted(dims)}."
            )
        n_points = n_points or {1: 500, 2: 100}[min(dims)]
        _check("from_function", n_points=(n_points, Number(2, integer=True)))
        if limits is None:
            limits = _limits(paths, results, lambda path: _evaluate(fun, path, args))
        limits = _as_limits(limits, min(dims))
        diverged = [name for name in paths if _has_diverged(results[name])]
        paths = dict(
            _cut(name, path, limits) if name in diverged else (name, path)
            for name, path in paths.items()
        )
        grid = [np.linspace(low, high, n_points) for low, high in limits]
        points = np.stack(np.meshgrid(*grid), axis=-1).astype(float)
        heights = None
        values = _evaluate(fun, points, args)
        if not np.isfinite(values).any():
            raise ValueError(
                "from_function: fun is finite nowhere within "
                f"limits={np.asarray(limits).tolist()}. Give other limits."
            )
        if dims == {1}:
            heights = {n: _evaluate(fun, path, args) for n, path in paths.items()}
        return cls(paths, grid, values, heights=heights).plot(ax, **options)

    def plot(self, ax=None, *, n_levels=16, **options):
        """Draw the function and the paths, which begin in a circle.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        n_levels : int >= 1, default=16
            Number of contour lines, closer together near the minimum.
        **options
            For the paths, as ``Axes.plot`` takes them.

        Returns
        -------
        self
        """
        _check("plot", n_levels=(n_levels, Number(1, integer=True)))
        ax = self._axes(ax)
        if len(self.grid) == 1:
            self._draw_graph()
        else:
            self._draw_contours(n_levels)
        curves = self._curves()
        style = {"markersize": 4, "linewidth": 1.4} | options
        self._draw(ax, curves.items(), most_marks=100, **style)
        if len(curves) == 1 and any(_DIVERGED in name for name in curves):
            self._add_legend(ax, 1)
        for line, (x, y) in zip(self.lines_, curves.values(), strict=True):
            ax.plot(x[:1], y[:1], **_START, markeredgecolor=line.get_color())
        return self

    def animate(self, filename, *, n_frames=60, fps=12, dpi=100):
        """Draw the paths step by step, and save that as an animated GIF.

        Parameters
        ----------
        filename : str or path
        n_frames : int >= 2, default=60
            Number of pictures; a path longer than that moves by several points in
            each.
        fps : float > 0, default=12
            Pictures for each second.
        dpi : float > 0, default=100
            Dots for each inch of the figure.

        Returns
        -------
        self
        """
        from_zero = Number(0, closed="neither")
        count = Number(2, integer=True)
        _check(
            "animate",
            n_frames=(n_frames, count),
            fps=(fps, from_zero),
            dpi=(dpi, from_zero),
        )
        if not hasattr(self, "ax_"):
            self.plot()
        animation = _matplotlib("animation")
        curves = list(self._curves().values())
        ends = (
            np.linspace(1, max(len(x) for x, _ in curves), n_frames).round().astype(int)
        )

        def show(end):
            for line, (x, y) in zip(self.lines_, curves, strict=True):
                line.set_data(x[:end], y[:end])
            return self.lines_

        pictures = animation.FuncAnimation(
            self.figure_, show, frames=[*ends, *[ends[-1]] * int(fps)]
        )
        pictures.save(filename, writer=animation.PillowWriter(fps=fps), dpi=dpi)
        show(ends[-1])
        return self

    def _curves(self):
        if len(self.grid) == 2:
            return {name: path.T for name, path in self.paths.items()}
        return {n: (path[:, 0], self.heights[n]) for n, path in self.paths.items()}

    def _draw_graph(self):
        x, y = self.grid[0], self.values
        (self.graph_,) = self.ax_.plot(x, y, color="0.7", linewidth=2.5, zorder=1)
        low, high = _range(y)
        margin = 0.06 * (high - low)
        ylim = low - margin, high + margin
        self.ax_.set(xlabel="$x$", ylabel="$f(x)$", xlim=x[[0, -1]], ylim=ylim)

    def _draw_contours(self, n_levels):
        x, y = self.grid
        low, high = _range(self.values)
        # Cubes: the levels on the walls of a valley are far above those of its floor.
        levels = low + (high - low) * np.linspace(0, 1, n_levels + 2)[1:-1] ** 3
        style = {"colors": "0.7", "linewidths": 0.8, "zorder": 1}
        self.graph_ = self.ax_.contour(x, y, self.values, levels=levels, **style)
        self.ax_.set(xlabel="$x_1$", ylabel="$x_2$", xlim=x[[0, -1]], ylim=y[[0, -1]])


class ScheduleDisplay(_Display):
    """The learning rate, or the factor on it, at each step.

    Parameters
    ----------
    curves : dict of str to (array-like, array-like)
        Steps and rates, by the name for the legend.
    y_name : str, default="Factor on the learning rate"

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    lines_ : list of matplotlib Line2D
        One for each schedule.

    Examples
    --------
    >>> from skgd.displays import ScheduleDisplay
    >>> display = ScheduleDisplay.from_schedule(["cosine", "one_cycle"], 4)
    >>> display.lines_[0].get_ydata().round(2)
    array([1.  , 0.85, 0.5 , 0.15])
    """

    def __init__(self, curves, *, y_name="Factor on the learning rate"):
        self.curves = {
            name: (np.asarray(t), np.asarray(rate))
            for name, (t, rate) in curves.items()
        }
        self.y_name = y_name

    @classmethod
    def from_schedule(
        cls, schedules, n_steps, *, steps_per_epoch=1, learning_rate=None, ax=None
    ):
        """Draw schedules for a training of ``n_steps`` steps.

        Parameters
        ----------
        schedules : str, Schedule or callable, list of them, or dict by name
            As the estimators take them.
        n_steps : int >= 1
            The horizon of those that need one.
        steps_per_epoch : int >= 1, default=1
            For those whose unit is the epoch.
        learning_rate : float > 0 or None, default=None
            What the factors are multiplied with; None draws the factors.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.

        Returns
        -------
        ScheduleDisplay
        """
        count = Number(1, integer=True)
        _check(
            "from_schedule",
            n_steps=(n_steps, count),
            steps_per_epoch=(steps_per_epoch, count),
            learning_rate=(learning_rate, Choice(None) | Number(0, closed="neither")),
        )
        t = np.arange(1, n_steps + 1)
        rate = 1.0 if learning_rate is None else learning_rate
        curves = {
            name: (t, rate * as_schedule(schedule).resolve(steps_per_epoch, n_steps)(t))
            for name, schedule in _by_name(schedules).items()
        }
        named = {} if learning_rate is None else {"y_name": "Learning rate"}
        return cls(curves, **named).plot(ax)

    def plot(self, ax=None, *, yscale="linear", **options):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        yscale : {"linear", "log", "symlog"}, default="linear"
        **options
            For the lines, as ``Axes.plot`` takes them.

        Returns
        -------
        self
        """
        _check("plot", yscale=(yscale, _SCALE))
        ax = self._axes(ax)
        self._draw(ax, self.curves.items(), **options)
        ax.set(xlabel="Step", ylabel=self.y_name, yscale=yscale)
        _count_on(ax.xaxis)
        return self


class CoefficientPathDisplay(_Display):
    """Coefficients against a parameter, or against the iterations.

    Parameters
    ----------
    x : array-like of shape (n_points,)
        Integers count something: then only whole numbers are labelled.
    coef : array-like of shape (n_points, n_coefficients)
    names : list of str, default=None
        The names of the coefficients; None numbers them. Equal names are numbered.
    x_name, y_name : str, default="Iteration", "Coefficient"
        The labels of the axes.
    xscale : {"linear", "log", "symlog"}, default="linear"

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    lines_ : list of matplotlib Line2D
        One for each coefficient.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skgd import GDRegressor
    >>> from skgd.displays import CoefficientPathDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> models = [
    ...     GDRegressor(penalty="l1", alpha=alpha, tol=None, max_iter=5).fit(X, y)
    ...     for alpha in (0.01, 0.1, 1.0)
    ... ]
    >>> display = CoefficientPathDisplay.from_estimators(models, "alpha")
    >>> len(display.lines_), display.lines_[0].get_label(), display.ax_.get_xscale()
    (10, 'age', 'log')
    """

    def __init__(
        self,
        x,
        coef,
        *,
        names=None,
        x_name="Iteration",
        y_name="Coefficient",
        xscale="linear",
    ):
        _check(type(self).__name__, xscale=(xscale, _SCALE))
        self.x = np.asarray(x)
        self.coef = np.asarray(coef)
        self.names = names
        self.x_name = x_name
        self.y_name = y_name
        self.xscale = xscale

    @classmethod
    def from_estimators(cls, estimators, parameter="alpha", *, ax=None):
        """Draw the coefficients of fitted estimators against one of their parameters.

        The axis is logarithmic if the largest value is at least 50 times the smallest,
        and that positive.

        Parameters
        ----------
        estimators : list of estimators
            With a ``coef_`` for one output.
        parameter : str, default="alpha"
            Its values are numbers.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.

        Returns
        -------
        CoefficientPathDisplay

        Raises
        ------
        TypeError, ValueError
            If the estimators are not a list, not fitted, of different numbers of
            coefficients, or if the parameter is unknown or not a number.
        """
        sequence = Instance(Sequence, "a list of fitted estimators with a coef_")
        _check("from_estimators", estimators=(estimators, sequence))
        if len(estimators) == 0:
            raise ValueError("from_estimators: estimators must not be empty.")
        x = np.array([_number(estimator, parameter) for estimator in estimators])
        order = np.argsort(x, kind="stable")
        rows = [np.ravel(_coef(estimators[i])) for i in order]
        widths = sorted({row.size for row in rows})
        if len(widths) > 1:
            raise ValueError(
                "from_estimators: estimators must all have the same number of "
                f"coefficients, got {widths}."
            )
        coef = np.array(rows)
        names = getattr(estimators[0], "feature_names_in_", None)
        is_wide = x.min() > 0 and x.max() >= 50 * x.min()
        options = {"x_name": parameter, "xscale": "log" if is_wide else "linear"}
        return cls(x[order], coef, names=names, **options).plot(ax)

    @classmethod
    def from_result(cls, result, *, names=None, ax=None):
        """Draw the coordinates of the iterates of `skgd.minimize`.

        Parameters
        ----------
        result : OptimizeResult
        names : list of str, default=None
            The names of the variables; None is x₁, x₂, …
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.

        Returns
        -------
        CoefficientPathDisplay
        """
        path = _as_path("result", result)
        if names is None:
            names = [f"$x_{{{k + 1}}}$" for k in range(path.shape[1])]
        return cls(np.arange(len(path)), path, names=names, y_name="$x$").plot(ax)

    def plot(self, ax=None, **options):
        """Draw the paths.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        **options
            For the lines, as ``Axes.plot`` takes them.

        Returns
        -------
        self
        """
        ax = self._axes(ax)
        ax.axhline(0, color="0.75", linewidth=0.8, zorder=0)
        names = self.names
        if names is None:
            names = [str(k + 1) for k in range(self.coef.shape[1])]
        columns = [(self.x, column) for column in self.coef.T]
        self._draw(ax, list(zip(_distinct(names), columns, strict=True)), **options)
        ax.set(xlabel=self.x_name, ylabel=self.y_name, xscale=self.xscale)
        if _counts(self.x) and self.xscale == "linear":
            _count_on(ax.xaxis)
        return self


class LearningRateRangeDisplay(_Display):
    """The loss against the rate, in a learning-rate range test.

    Parameters
    ----------
    learning_rates, losses : array-like of shape (n_steps,)
    suggestion : float
        The rate that is marked.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    lines_ : list of matplotlib Line2D
        The loss, and the mark of the suggestion.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skgd import GDClassifier
    >>> from skgd.displays import LearningRateRangeDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = GDClassifier(random_state=0)
    >>> display = LearningRateRangeDisplay.from_estimator(model, X, y, n_steps=50)
    >>> 0.05 < display.suggestion < 1
    True
    """

    def __init__(self, learning_rates, losses, suggestion):
        self.learning_rates = np.asarray(learning_rates)
        self.losses = np.asarray(losses)
        self.suggestion = suggestion

    @classmethod
    def from_estimator(cls, estimator, X, y, *, ax=None, **options):
        """Make the test, by `skgd.lr_find`, and draw it.

        Parameters
        ----------
        estimator : GDRegressor or GDClassifier
        X, y : array-like
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        **options
            As for `skgd.lr_find`.

        Returns
        -------
        LearningRateRangeDisplay
        """
        return cls.from_result(lr_find(estimator, X, y, **options), ax=ax)

    @classmethod
    def from_result(cls, result, *, ax=None):
        """Draw what `skgd.lr_find` returned.

        Parameters
        ----------
        result : LearningRateRange
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.

        Returns
        -------
        LearningRateRangeDisplay
        """
        return cls(result.learning_rates, result.losses, result.suggestion).plot(ax)

    def plot(self, ax=None, **options):
        """Draw the loss and the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        **options
            For the line of the loss, as ``Axes.plot`` takes them.

        Returns
        -------
        self
        """
        ax = self._axes(ax)
        style = {"color": _COLORS[0], "linewidth": 1.8}
        self.lines_ += ax.plot(self.learning_rates, self.losses, **style | options)
        label = f"suggestion {self.suggestion:.2g}"
        style = {"color": _COLORS[1], "linestyle": "--", "label": label}
        self.lines_.append(ax.axvline(self.suggestion, **style))
        ax.set(xlabel="Learning rate", ylabel="Loss", xscale="log")
        self._add_legend(ax, 1)
        return self


_START = {
    "marker": "o",
    "markersize": 9,
    "markerfacecolor": "none",
    "markeredgewidth": 1.6,
    "linestyle": "none",
    "zorder": 3,
}


def _style(i):
    return {
        "color": _COLORS[i % len(_COLORS)],
        "linestyle": _LINES[i % len(_LINES)],
        "marker": _MARKS[(i + i // len(_MARKS)) % len(_MARKS)],
        "linewidth": 1.8,
        "markersize": 5.5,
    }


def _counts(x):
    """Whether abscissas count something."""
    return x.dtype.kind in "iu"


def _count_on(axis):
    """Label whole numbers only."""
    axis.get_major_locator().set_params(integer=True)


def _matplotlib(module):
    try:
        return import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise ImportError(
            "The displays need matplotlib, which is not installed: "
            "pip install 'skgd[plot]'."
        ) from error


def _check(owner, **given):
    """Raise for the first value that its constraint does not accept."""
    values = {name: value for name, (value, _) in given.items()}
    check_parameters(
        owner, values, {name: accepted for name, (_, accepted) in given.items()}
    )


_ESTIMATOR = Instance(
    LinearModel,
    "a GDRegressor or GDClassifier (of a pipeline its last step, pipeline[-1])",
)
_ESTIMATORS = Instance(
    LinearModel,
    "fitted GDRegressor or GDClassifier, one, a list or a dict by name (of a pipeline "
    "its last step, pipeline[-1])",
)
_RESULTS = Instance(
    OptimizeResult, "what skgd.minimize returned, one, a list or a dict by name"
)


_CURVES = {"update": "update_curve_", "second": "time_curve_"}


def _abscissas(estimator, x):
    """Return the number, the updates or the seconds of each epoch."""
    n_epochs = len(estimator.loss_curve_)
    if x == "epoch":
        return np.arange(1, n_epochs + 1)
    curve = getattr(estimator, _CURVES[x], [])
    if len(curve) != n_epochs:
        raise ValueError(
            f"from_estimator: x={x!r} needs {_CURVES[x]} of every epoch, and of "
            f"{n_epochs} epochs it has {len(curve)}: an older version of skgd trained "
            "the others. Fit anew, or take x='epoch'."
        )
    return curve


def _n_trained_on(estimator, n_samples):
    """Return how many of the samples of a fit are not held out of it."""
    if not estimator.early_stopping:
        return n_samples
    return n_samples - math.ceil(estimator.validation_fraction * n_samples)


def _n_updates(estimator):
    """Return the updates in a whole epoch; a divergence may have cut others short."""
    return int(np.diff(estimator.update_curve_, prepend=0).max())


def _number(estimator, parameter):
    """Return the parameter of an estimator as a number."""
    if not hasattr(estimator, "get_params"):
        raise TypeError(
            f"from_estimators: estimators must be a list of fitted estimators with a "
            f"coef_, got {estimator!r} in it."
        )
    values = estimator.get_params()
    if parameter not in values:
        raise ValueError(
            f"from_estimators: {type(estimator).__name__} has no parameter "
            f"{parameter!r}." + did_you_mean(parameter, values)
        )
    _check("from_estimators", **{parameter: (values[parameter], Number())})
    return values[parameter]


def _coef(estimator):
    check_is_fitted(estimator)
    if not hasattr(estimator, "coef_"):
        raise TypeError(
            f"from_estimators: {type(estimator).__name__} has no coef_; of a pipeline "
            "take the last step, pipeline[-1]."
        )
    return estimator.coef_


def _by_name(items):
    """Return a dict for a dict, a list, or one item."""
    if isinstance(items, Mapping | list | tuple) and not items:
        raise ValueError(f"There is nothing to draw: got {items!r}.")
    if isinstance(items, Mapping) and not isinstance(items, OptimizeResult):
        return dict(items)
    if not isinstance(items, list | tuple):
        items = [items]
    return dict(zip(_distinct(map(_title, items)), items, strict=True))


def _distinct(names):
    """Return names of which those that are equal have their number before them."""
    names = list(names)
    return [
        name if names.count(name) == 1 else f"{i} {name}".strip()
        for i, name in enumerate(names, start=1)
    ]


def _title(item):
    if isinstance(item, str):
        return item
    if isinstance(item, OptimizeResult | np.ndarray):
        return ""
    return " ".join(repr(item).split())


def _as_path(name, result):
    """Return the finite points of a result or of an array."""
    path = result.trajectory if isinstance(result, OptimizeResult) else result
    if path is None:
        raise ValueError(
            f"{name or 'results'}: there is no trajectory; minimize with "
            "record='iteration'."
        )
    try:
        path = np.asarray(path, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name or 'results'}: a path must be what skgd.minimize returned or an "
            f"array of points, got {path!r}."
        ) from None
    if path.ndim != 2:
        raise ValueError(
            f"{name}: a path must have shape (n_points, n), got {path.shape}."
        )
    return path[np.isfinite(path).all(axis=1)]


_DIVERGED = "diverged: "
_FAR = 100
"""In the heights and widths of the picture: what is farther away is not drawn."""


def _has_diverged(result):
    return getattr(result, "behavior", "") == "diverged"


def _as_limits(limits, n_variables):
    """Return an array of a row (low, high) for each variable, or raise."""
    try:
        array = np.asarray(limits, dtype=float)
        array = array[np.newaxis] if n_variables == array.ndim == 1 else array
    except (TypeError, ValueError):
        array = np.empty(0)
    is_right = array.shape == (n_variables, 2) and np.isfinite(array).all()
    if not (is_right and (array[:, 0] < array[:, 1]).all()):
        raise ValueError(
            "from_function: limits must be a pair of finite numbers low < high for "
            f"each of {n_variables} variables, got {limits!r}."
        )
    return array


def _limits(paths, results, evaluate):
    """Return the range of the paths that did not diverge, and a little more."""
    kept = [path for name, path in paths.items() if not _has_diverged(results[name])]
    if not kept:
        kept = [
            path[: _n_near(evaluate(path), np.abs(path - results[name].x).sum(axis=1))]
            for name, path in paths.items()
        ]
    points = np.concatenate(kept)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.15 * (high - low), 1.0)
    return np.stack([low - margin, high + margin], axis=1)


def _n_near(heights, from_best):
    """Return how many points of a path that diverged are near its start.

    Those up to the first one whose height differs from that of the start by far more
    than the heights up to the best point, and than that after the first step.
    """
    with np.errstate(all="ignore"):
        changes = np.abs(heights - heights[0])
        first = changes[: max(2, from_best.argmin() + 1)]
        usual = first[np.isfinite(first)].max(initial=0.0)
    return max(1, int(np.append(~(changes <= _FAR * usual), True).argmax()))


def _cut(name, path, limits):
    """Return a path with what is far outside of the picture cut off, and its name."""
    low, high = np.array(limits, dtype=float).T
    inside = ((path >= low) & (path <= high)).all(axis=1).sum()
    # A point of the other side is kept: the line shall leave the picture.
    far = (np.abs(path - (low + high) / 2) > _FAR * (high - low)).any(axis=1)
    n_kept = int(np.append(far, True).argmax()) + 1
    label = f"{_DIVERGED}{inside} of {len(path)} points in view"
    return f"{name} ({label})" if name else label, path[:n_kept]


def _evaluate(fun, points, args):
    """Return the function at each point of an array of shape (..., n)."""
    with np.errstate(all="ignore"):
        values = [
            float(np.squeeze(fun(x, *args)))
            for x in points.reshape(-1, points.shape[-1])
        ]
    return np.reshape(values, points.shape[:-1])


def _range(values):
    finite = values[np.isfinite(values)]
    return finite.min(), finite.max()
