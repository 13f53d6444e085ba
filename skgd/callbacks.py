"""Callbacks for ``fit``, to be set by ``set_callbacks``."""

import os
import pickle
import uuid
from pathlib import Path
from typing import Any

from ._model import LinearModel
from ._validation import Instance, Number, check_parameters
from ._version import __version__

_FORMAT = "skgd checkpoint"
_CONSTRAINTS = {
    "path": Instance((str, os.PathLike), "a str or a path"),
    "every": Number(1, integer=True),
}


class Checkpoint:
    """Keep the state of a fit in a file, so that it can go on after an interruption.

    The file is written when training begins, after whole epochs and when training
    ends, each time under another name first: it is always whole. A fit that ended by a
    signal, an exception, Ctrl-C or a loss of power goes on from the last epoch written,
    and ends with the same numbers, bit for bit, as one that was never interrupted: the
    weights, the curves, ``stop_reason_``. Only ``time_curve_`` differs.

    Parameters
    ----------
    path : str or path-like
        The file. Every fit needs its own: the fits of a grid search would overwrite
        each other's.
    every : int, default=1
        How many epochs lie between two states written, >= 1.

    See Also
    --------
    GDRegressor.set_callbacks, GDClassifier.set_callbacks

    Notes
    -----
    ``fit`` of the estimator that `load` returns reads its parameters as any ``fit``
    does: with a larger ``max_iter``, training goes on for longer. Its ``coef_init`` and
    ``intercept_init`` are not used: they were when the fit began.

    The file holds the estimator without its callbacks, as a pickle: load only files
    that you trust. The state depends on the version of skgd; that of another version is
    refused.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_diabetes
    >>> from skgd import GDRegressor
    >>> from skgd.callbacks import Checkpoint
    >>> X, y = load_diabetes(return_X_y=True)
    >>> folder = tempfile.TemporaryDirectory()
    >>> checkpoint = Checkpoint(Path(folder.name) / "fit.skgd")
    >>> if checkpoint.path.exists():
    ...     model = checkpoint.load()
    ... else:
    ...     model = GDRegressor(random_state=0).set_callbacks(checkpoint)
    >>> model = model.fit(X, y)
    >>> checkpoint.load().fit(X, y).t_ == model.t_
    True
    >>> folder.cleanup()
    """

    def __init__(self, path, every=1):
        given = {"path": path, "every": every}
        check_parameters(type(self).__name__, given, _CONSTRAINTS)
        self.path = Path(path)
        self.every = every

    def load(self) -> Any:
        """Return the estimator in the state that was written last.

        It predicts as if training had ended there. Its next ``fit``, with the same
        data, goes on, and this checkpoint is its only callback.

        Returns
        -------
        estimator : GDRegressor or GDClassifier

        Raises
        ------
        FileNotFoundError
            If there is no file.
        ValueError
            If it is not a checkpoint, or one of another version of skgd.
        """
        with self.path.open("rb") as file:
            self._check_header(file)
            model, model._unfinished = pickle.load(file)
        return model.set_callbacks(self)

    def _check_header(self, file):
        try:
            kind, version = pickle.load(file)
        except Exception:
            kind, version = None, None
        if kind != _FORMAT:
            raise ValueError(f"{self.path} is not a checkpoint of skgd.")
        if version != __version__:
            raise ValueError(
                f"{self.path} was written by skgd {version} and this is skgd "
                f"{__version__}: end the fit with the version that began it, or begin "
                "anew."
            )

    def setup(self, estimator, context):
        """Check that the estimator is of this package, and that there is a folder."""
        if not isinstance(estimator, LinearModel):
            raise TypeError(
                "Checkpoint can be set on GDRegressor and GDClassifier, got "
                f"{type(estimator).__name__}."
            )
        if not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"Checkpoint: path={str(self.path)!r} is in a folder that does not "
                f"exist: {str(self.path.parent)!r}."
            )
        if self.path.is_dir():
            raise IsADirectoryError(
                f"Checkpoint: path={str(self.path)!r} is a folder; give a file in it."
            )

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator):
        """Write the state before the first epoch."""
        if context.task_name == "fit":
            self._write(fitted_estimator)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """Write the state after an epoch or at the end."""
        if context.task_name == "fit" or (context.task_id + 1) % self.every == 0:
            self._write(fitted_estimator)

    def teardown(self, estimator, context):
        """Do nothing: the file is kept."""

    def _write(self, fitted):
        temporary = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}.tmp")
        try:
            with temporary.open("xb") as file:
                pickle.dump((_FORMAT, __version__), file)
                pickle.dump((_without_callbacks(fitted), fitted._run), file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _without_callbacks(fitted):
    """Return the estimator without what callbacks have left on it."""
    model = fitted._scratch()
    for name in vars(fitted):
        if name == "_run" or (name.startswith("_") and "callback" in name):
            delattr(model, name)
    return model
