"""
Intervals by quantiles
======================

The quantile loss estimates a level below which a given share of the targets lies. Two
of them make an interval.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from skgd import GDRegressor
from skgd.losses import Quantile

# %%
# A curve with noise that gets wider.

rng = np.random.default_rng(0)


def sample(n):
    x = rng.uniform(0, 10, size=n)
    return x[:, None], x * np.sin(x) / 2 + (0.3 + 0.25 * x) * rng.normal(size=n)


X, y = sample(3000)
X_test, y_test = sample(3000)

# %%
# The model is linear in splines of x. The loss has a kink, and nothing changes in the
# call but the loss.

levels = [0.05, 0.5, 0.95]
models = {
    level: make_pipeline(
        SplineTransformer(n_knots=12),
        GDRegressor(Quantile(level=level), alpha=0, random_state=0),
    ).fit(X, y)
    for level in levels
}
for level, model in models.items():
    below = np.mean(y_test <= model.predict(X_test))
    print(f"level {level:4}: {below:.3f} of new targets are below")
low, high = models[0.05].predict(X_test), models[0.95].predict(X_test)
print(f"in the interval of 90 %: {np.mean((low <= y_test) & (y_test <= high)):.3f}")

# %%
x = np.linspace(0, 10, 300)[:, None]
plt.plot(X, y, ".", color="0.8", markersize=3, zorder=0)
plt.fill_between(
    x[:, 0],
    models[0.05].predict(x),
    models[0.95].predict(x),
    alpha=0.25,
    label="5 % to 95 %",
)
plt.plot(x, models[0.5].predict(x), label="median")
plt.xlabel("x")
plt.ylabel("y")
plt.legend()
plt.show()
