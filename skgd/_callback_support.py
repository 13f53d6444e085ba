"""Callbacks: objects of the user that see a fit, and may end it.

They follow the protocol of `sklearn.callback`. A fit is a task with a subtask for each
epoch; the hooks of a callback are called when a task begins and when it ends.
"""

from typing import Any, Self

from ._run import Run
from ._training import Watcher

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9
    from ._callback_protocol import CallbackSupportMixin, with_callbacks

_HOOKS = ("setup", "on_fit_task_begin", "on_fit_task_end", "teardown")


class CallbackSupport(CallbackSupportMixin):
    """Gives an estimator callbacks, with every version of scikit-learn."""

    _callbacks: tuple = ()

    def set_callbacks(self, *callbacks) -> Self:
        """Set the callbacks that ``fit`` calls.

        Callbacks are those of scikit-learn 1.9, such as
        `sklearn.callback.ScoringMonitor`, those of `skgd.callbacks`, and any object
        with the methods ``setup``, ``on_fit_task_begin``, ``on_fit_task_end`` and
        ``teardown`` of `sklearn.callback.FitCallback`. They work with earlier versions
        of scikit-learn too.

        The task of a fit is called ``"fit"``, each of its at most ``max_iter`` subtasks
        ``"epoch"``. The hooks get the arguments of ``fit`` as they were given,
        ``metadata`` with the ``sample_weight`` if there is one, and a
        ``fitted_estimator`` as if training had ended there. If ``on_fit_task_end`` of
        an epoch returns True training ends, with the ``stop_reason_`` ``"callback"``.
        ``estimator`` is as it was before ``fit``. ``partial_fit`` calls no hooks.

        Parameters
        ----------
        *callbacks : object
            None removes those that were set.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            For an object without one of the methods, or a class.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from skgd import GDRegressor
        >>> class StopAtScore:
        ...     def __init__(self, score):
        ...         self.score = score
        ...     def setup(self, estimator, context):
        ...         pass
        ...     def on_fit_task_begin(self, estimator, context):
        ...         pass
        ...     def on_fit_task_end(
        ...         self, estimator, context, *, X, y, fitted_estimator
        ...     ):
        ...         return fitted_estimator.score(X, y) > self.score
        ...     def teardown(self, estimator, context):
        ...         pass
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = GDRegressor(random_state=0).set_callbacks(StopAtScore(0.4))
        >>> model = model.fit(X, y)
        >>> model.stop_reason_, 0.4 < model.score(X, y) < 0.5
        ('callback', True)
        """
        for callback in callbacks:
            missing = [name for name in _HOOKS if not hasattr(callback, name)]
            if missing or isinstance(callback, type):
                without = f" without {', '.join(missing)}" if missing else ""
                raise TypeError(
                    f"callbacks must be instances with the methods {', '.join(_HOOKS)};"
                    f" got {callback!r}{without}."
                )
        super().set_callbacks(*callbacks)
        self._callbacks = callbacks
        return self

    def __sklearn_clone__(self):
        return super().__sklearn_clone__().set_callbacks(*self._callbacks)

    def _call_back(self, train, data, snapshot, max_epochs) -> None:
        """Train, and call the hooks.

        Parameters
        ----------
        train : callable
            Trains, shown to the `Watcher` objects of the sequence that it is given.
        data : tuple
            X, y and sample_weight as the user gave them.
        snapshot : callable
            Returns the attributes of an estimator whose training ends now.
        max_epochs : int
        """
        if self._callbacks:
            self._train_with_hooks(train, data, snapshot, max_epochs)
        else:
            train([])

    @with_callbacks
    def _train_with_hooks(self, train, data, snapshot, max_epochs):
        X, y, sample_weight = data
        weighted = sample_weight is not None
        arguments = {
            "estimator": self,
            "X": X,
            "y": y,
            "metadata": {"sample_weight": sample_weight} if weighted else None,
            "reconstruction_attributes": snapshot,
        }
        context = self._init_callback_context(max_subtasks=max_epochs)
        context.call_on_fit_task_begin(**arguments)
        train([_Epochs(context, arguments, max_epochs)])
        context.call_on_fit_task_end(**arguments)


class _Epochs(Watcher):
    """Makes a task of every epoch, as many as were announced.

    There are more if training begins anew after most of them.
    """

    def __init__(self, context, arguments, max_epochs):
        self._context, self._arguments = context, arguments
        self._n_left = max_epochs
        self._epoch: Any = None

    def epoch_begins(self, run: Run) -> None:
        self._n_left -= 1
        if self._n_left >= 0:
            self._epoch = self._context.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._arguments)

    def epoch_ends(self, run: Run) -> str | None:
        if self._n_left < 0:
            return None
        stop = self._epoch.call_on_fit_task_end(**self._arguments)
        return "callback" if stop else None
