"""
Checkpoints and callbacks
=========================

A callback sees every epoch of a fit. It can keep what it sees, save the state of the
fit in a file, or end it.
"""

import tempfile
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skgd import GDClassifier
from skgd.callbacks import Checkpoint
from skgd.displays import CoefficientPathDisplay, LossCurveDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
settings = {"max_iter": 40, "tol": None, "random_state": 0}

# %%
# What a callback is
# ------------------
# An object with four methods, those of scikit-learn's callbacks. The task of a fit is
# called ``"fit"``, its parts are called ``"epoch"``. A hook names what it wants to be
# given: ``X``, ``y``, ``fitted_estimator``. The classes below only say what happens
# after an epoch.


class Callback:
    def setup(self, estimator, context):
        """Do this before the fit."""

    def on_fit_task_begin(self, estimator, context):
        """Do this before the fit and before each epoch."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """Do this after each epoch and after the fit; True ends the fit."""
        if context.task_name == "epoch":
            return self.after_epoch(context.task_id + 1, fitted_estimator)
        return None

    def teardown(self, estimator, context):
        """Do this in the end, also after an error."""


# %%
# One that ends the fit
# ---------------------
# ``fitted_estimator`` predicts as if training had ended there, so that any question can
# be put to it.


class StopAtAccuracy(Callback):
    def __init__(self, X, y, enough):
        self.X, self.y, self.enough = X, y, enough

    def after_epoch(self, epoch, model):
        return model.score(self.X, self.y) >= self.enough


model = GDClassifier(**settings)
model.set_callbacks(StopAtAccuracy(X_train, y_train, enough=0.99)).fit(X_train, y_train)
print(
    f"{model.stop_reason_} after {model.n_iter_} of {model.max_iter} epochs: "
    f"accuracy {model.score(X_train, y_train):.4f}"
)

# %%
# One that keeps something
# ------------------------
# The coefficients of the digit 0 for three pixels, after each epoch. With the default
# schedule the rate falls to zero at the end of each cycle, and the weights come to
# rest.


class KeepCoefficients(Callback):
    def setup(self, estimator, context):
        self.coef = []

    def after_epoch(self, epoch, model):
        self.coef.append(model.coef_[0, [20, 28, 36]])


kept = KeepCoefficients()
GDClassifier(average=False, **settings).set_callbacks(kept).fit(X_train, y_train)
CoefficientPathDisplay(
    np.arange(1, 41),
    kept.coef,
    names=["pixel 20", "pixel 28", "pixel 36"],
    x_name="Epoch",
).plot()
plt.show()

# %%
# A fit that is interrupted
# -------------------------
# ``Checkpoint`` writes the state of a fit to a file after every so many epochs. Here
# somebody presses Ctrl-C in epoch 18, or the machine is switched off: what has been
# written is on the disk.

folder = tempfile.TemporaryDirectory()
checkpoint = Checkpoint(Path(folder.name) / "digits.skgd", every=5)


class PressCtrlC(Callback):
    def after_epoch(self, epoch, model):
        if epoch == 18:
            raise KeyboardInterrupt


model = GDClassifier(**settings).set_callbacks(checkpoint, PressCtrlC())
try:
    model.fit(X_train, y_train)
except KeyboardInterrupt:
    print("interrupted; fitted:", hasattr(model, "coef_"))

# %%
# In a new process, ``load`` returns the estimator as it was when the file was written.
# It predicts, and its next ``fit`` on the same data goes on from there.

model = checkpoint.load()
print(
    f"on the disk: {model.n_iter_} epochs, accuracy {model.score(X_test, y_test):.3f}"
)
first = model.loss_curve_
model.fit(X_train, y_train)
print(
    f"at the end:  {model.n_iter_} epochs, accuracy {model.score(X_test, y_test):.3f}"
)

# %%
# Nothing has been lost but the three epochs after the last write: the weights are those
# of a fit that was never interrupted, bit for bit.

never = GDClassifier(**settings).fit(X_train, y_train)
print("same weights:", np.array_equal(model.coef_, never.coef_))
print("same losses: ", model.loss_curve_ == never.loss_curve_)

n = len(first)
curves = {
    "before the interruption": (np.arange(1, n + 1), first),
    "after loading": (np.arange(n + 1, 41), model.loss_curve_[n:]),
}
display = LossCurveDisplay(curves).plot(yscale="log")
display.ax_.axvline(18, color="0.6", linestyle=":")
display.ax_.annotate(
    "Ctrl-C", (18, max(first)), xytext=(4, -4), textcoords="offset points"
)
plt.show()
folder.cleanup()

# %%
# Those of scikit-learn
# ---------------------
# From scikit-learn 1.9 on there are ready ones. ``ProgressBar`` draws with ``rich``,
# which has to be installed. Without it ``verbose=1`` shows a long fit under way.

if find_spec("rich") and find_spec("sklearn.callback"):
    from sklearn.callback import ProgressBar

    GDClassifier(**settings).set_callbacks(ProgressBar()).fit(X_train, y_train)
