"""
Warm-up and decay
=================

A constant rate leaves the weights circling the minimum at a distance that grows with
the rate. A rate that falls lets them settle; one that rises first avoids a bad start.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

from skgd import GDRegressor, minimize
from skgd.displays import LossCurveDisplay, ScheduleDisplay
from skgd.schedules import (
    Cosine,
    Exponential,
    InverseTime,
    LinearRestarts,
    OneCycle,
    ReduceOnPlateau,
    Step,
    Warmup,
)

# %%
# What there is
# -------------
# A schedule is a function of the number of the step, 1, 2, …, and gives a factor on the
# rate. Lengths are in steps or in epochs.

n_steps, per_epoch = 420, 14
schedules = {
    "constant": "constant",
    "inverse time": InverseTime(decay=0.02),
    "exponential": Exponential(factor=0.99),
    "× 0.1 every 10 epochs": Step(every=10, factor=0.1, unit="epoch"),
    "cosine": Cosine(),
    "warm-up, cosine": Warmup(Cosine(), length=3, unit="epoch"),
    "one cycle": OneCycle(),
    "linear restarts": LinearRestarts(),
}
names = list(schedules)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained", sharey=True)
for ax, half in zip(axes, (names[:4], names[4:]), strict=True):
    ScheduleDisplay.from_schedule(
        {name: schedules[name] for name in half},
        n_steps,
        steps_per_epoch=per_epoch,
        ax=ax,
    )
axes[1].set_ylabel("")
plt.show()

# %%
# What they do
# ------------
# The same model with each of them: batches of 32, Adam, 30 epochs. The exact minimum is
# known, so the distance to it can be drawn. A call of ``partial_fit`` on all the data
# is one epoch; a training in pieces has no end, so schedules that need one are told.

X, y = load_diabetes(return_X_y=True)
X, y = scale(X), scale(y)
exact = np.linalg.lstsq(X, y, rcond=None)[0]
lowest = 0.5 * np.mean((y - X @ exact) ** 2)
N_EPOCHS = 30


def train(schedule, n_epochs=N_EPOCHS):
    """Return the excess of the loss after each epoch, and the rate of each epoch."""
    model = GDRegressor(
        penalty=None,
        fit_intercept=False,
        schedule=schedule,
        learning_rate=0.1,
        average=False,
        standardize=False,
        random_state=0,
    )
    excess = []
    for _ in range(n_epochs):
        model.partial_fit(X, y)
        excess.append(0.5 * np.mean((y - model.predict(X)) ** 2) - lowest)
    return np.array(excess), np.array(model.learning_rate_curve_)


whole = {"horizon": N_EPOCHS, "unit": "epoch"}
tried = {
    "constant": "constant",
    "inverse time": InverseTime(decay=0.02),
    "× 0.1 every 10 epochs": Step(every=10, factor=0.1, unit="epoch"),
    "cosine": Cosine(**whole),
    "warm-up, cosine": Warmup(
        Cosine(horizon=N_EPOCHS - 3, unit="epoch"), length=3, unit="epoch"
    ),
    "linear restarts": LinearRestarts(**whole),
}
epochs = np.arange(1, N_EPOCHS + 1)
curves = {name: (epochs, train(schedule)[0]) for name, schedule in tried.items()}
display = LossCurveDisplay(curves, y_name="Loss above the minimum")
display.plot(yscale="log", markersize=4)
plt.show()
for name, (_, values) in curves.items():
    print(f"{name:24}{values[-1]:10.1e}")

# %%
# The constant rate stays at the height that its noise keeps it at. All that fall come
# down further, and those that reach zero come down most. ``schedule="auto"`` of ``fit``
# is the last of them: each cycle ends at rest, and cycles are compared to see whether
# longer training would help.
#
# A rate that falls when it has to
# --------------------------------
# ``ReduceOnPlateau`` has no horizon. It watches the loss of the epochs, and multiplies
# the rate by ``factor`` when more than ``patience`` of them in a row bring nothing.

runs = {
    "constant": train("constant", 60),
    "on a plateau": train(ReduceOnPlateau(factor=0.3, patience=2), 60),
    "cosine, told the end": train(Cosine(horizon=60, unit="epoch"), 60),
}
epochs = np.arange(1, 61)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained")
for ax, part, y_name in zip(
    axes, (0, 1), ("Loss above the minimum", "Rate"), strict=True
):
    curves = {name: (epochs, run[part]) for name, run in runs.items()}
    LossCurveDisplay(curves, y_name=y_name).plot(ax, yscale="log")
axes[0].get_legend().remove()
plt.show()
for name, (excess, _) in runs.items():
    print(f"{name:24}{excess[29]:10.1e} after 30 epochs{excess[-1]:10.1e} after 60")

# %%
# In the middle it is ahead of the cosine, whose rate is still high. In the end it has
# got stuck: noise looks like a plateau, and a rate that was reduced too early never
# comes back. Against that help a larger ``patience``, a ``factor`` nearer to one, and
# ``min_factor``.
#
# A rate set by hand
# ------------------
# A schedule may be any function of the step. And between two calls of ``partial_fit``
# the rate may be changed; the optimizer keeps what it remembers.

model = GDRegressor(
    schedule="constant", learning_rate=0.1, standardize=False, random_state=0
)
for epoch in range(3):
    model.set_params(learning_rate=0.1 * 0.1**epoch).partial_fit(X, y)
by_hand = model.coef_.copy()

model = GDRegressor(
    schedule=Step(every=1, factor=0.1, unit="epoch"),
    learning_rate=0.1,
    standardize=False,
    random_state=0,
)
for _ in range(3):
    model.partial_fit(X, y)
print("largest difference:", abs(model.coef_ - by_hand).max())

# %%
# What a warm-up is for
# ---------------------
# Where the function is steep at the start and flat at the end, a rate that suits the
# end diverges at once, and one that suits the start takes for ever. A line up from zero
# gets from the one to the other.


def quartic(x):
    return 0.25 * x[0] ** 4 + 0.05 * x[0] ** 2


settings = {"max_iter": 300, "gtol": 0}
results = {
    "0.07 all the time": minimize(quartic, 3.0, learning_rate=0.07, **settings),
    "2, warm-up of 200 steps": minimize(
        quartic, 3.0, learning_rate=2.0, schedule=Warmup(length=200), **settings
    ),
}
print("2 all the time:", minimize(quartic, 3.0, learning_rate=2.0, **settings).message)
LossCurveDisplay.from_result(results, yscale="log")
plt.show()
