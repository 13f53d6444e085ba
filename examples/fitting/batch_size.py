"""
The batch size on digits
========================

What the batch size changes: the number of updates in an epoch, what an update costs,
and where training is after the same number of epochs, updates or seconds.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits

from skgd import GDClassifier
from skgd.displays import BatchSizeDisplay, LossCurveDisplay

X, y = load_digits(return_X_y=True)

# %%
# The same 20 epochs of Adam at the same rate for batch sizes from one to all. Three
# times a third of the digits is held out; times are the medians of the three fits.

model = GDClassifier(
    learning_rate=0.01,
    schedule="constant",
    average=False,
    max_iter=20,
    tol=None,
    random_state=0,
)
sizes = [1, 4, 16, 32, 64, 256, 512, None]
display = BatchSizeDisplay.from_estimator(
    model, X, y, batch_sizes=sizes, cv=3, scoring="accuracy"
)
plt.show()

# %%
# In numbers:

print("batch   updates in   µs for      ms for      accuracy   accuracy")
print(" size     an epoch   an update   an epoch    training   held out")
rows = zip(
    display.batch_sizes,
    display.n_updates,
    1e6 * np.median(display.update_times, axis=1),
    1e3 * np.median(display.epoch_times, axis=1),
    display.train_scores.mean(axis=1),
    display.test_scores.mean(axis=1),
    strict=True,
)
for size, updates, update, epoch, training, held_out in rows:
    print(
        f"{size:5}{updates:13}{update:12.1f}{epoch:11.2f}{training:12.3f}{held_out:11.3f}"
    )

# %%
# Small batches make many cheap updates, large ones few dear ones. From some 16 samples
# on an epoch costs about the same, whatever the batch. At the same rate, few updates
# have not got far after 20 epochs.
#
# The loss against what has been spent: epochs, updates, seconds.

models = {
    f"batch {size or 'of all'}": clone(model).set_params(batch_size=size).fit(X, y)
    for size in (1, 16, 64, 512, None)
}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained", sharey=True)
for ax, unit in zip(axes, ("epoch", "update", "second"), strict=True):
    LossCurveDisplay.from_estimator(models, x=unit, ax=ax, yscale="log")
for ax in axes[1:]:
    ax.set(xscale="log", ylabel="")
for ax in axes:
    ax.get_legend().remove()
fig.legend(axes[0].lines, list(models), loc="outside upper center", ncols=5)
plt.show()
