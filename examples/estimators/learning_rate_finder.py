"""
Finding a learning rate
=======================

A range test is one short run in which the rate grows from step to step. Where the loss
begins to rise the rate is too high; a fifth of that is a place to start.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score

from skgd import GDClassifier, lr_find
from skgd.displays import LearningRateRangeDisplay

X, y = load_digits(return_X_y=True)

# %%
# The suggestion depends on the optimizer and on the batch size.

fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for ax, optimizer in zip(axes, ("sgd", "momentum", "adam"), strict=True):
    model = GDClassifier(optimizer=optimizer, random_state=0)
    LearningRateRangeDisplay.from_estimator(model, X, y, ax=ax)
    ax.set_title(optimizer)
plt.show()

# %%
# Is it any good? The cross-validated accuracy after ten epochs, at the suggestion and
# around it.

settings = {"max_iter": 10, "tol": None, "random_state": 0}
print(
    f"{'':10}{'suggested':>10}" + "".join(f"{f'× {f:g}':>8}" for f in (0.04, 0.2, 1, 5))
)
for optimizer in ("sgd", "momentum", "adam"):
    model = GDClassifier(optimizer=optimizer, **settings)
    rate = lr_find(model, X, y).suggestion
    scores = [
        cross_val_score(model.set_params(learning_rate=rate * f), X, y, cv=3).mean()
        for f in (0.04, 0.2, 1, 5)
    ]
    print(f"{optimizer:10}{rate:10.3g}" + "".join(f"{score:8.3f}" for score in scores))

# %%
# ``learning_rate="auto"`` does without the test: features are standardized, and then
# the rate of each optimizer has a value that suits most data.
