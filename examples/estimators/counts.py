"""
Counts
======

Counts are not negative, and their variance grows with their mean. The Poisson loss
knows both: the prediction is :math:`e^z`, with the linear function :math:`z`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance
from sklearn.model_selection import train_test_split

from skgd import GDRegressor

# %%
# Claims of 20,000 policies, generated: how many, in which part of a year.

rng = np.random.default_rng(0)
n = 20_000
age = rng.uniform(18, 80, size=n)
power = rng.gamma(5, 20, size=n)
city = rng.integers(2, size=n)
exposure = rng.uniform(0.1, 1, size=n)
mean = np.exp(-1.5 - 0.02 * (age - 50) + 0.004 * power + 0.4 * city)
claims = rng.poisson(mean * exposure)
X = np.column_stack([age, power, city])

# %%
# The target is the frequency, claims for a year, and the exposure is the weight of a
# policy. The exact solver of scikit-learn minimises the same objective.

y = claims / exposure
split = train_test_split(X, y, exposure, random_state=0)
X_train, X_test, y_train, y_test, weight_train, weight_test = split
models = {
    "GDRegressor": GDRegressor("poisson", alpha=0, random_state=0),
    "squared error": GDRegressor(alpha=0, random_state=0),
    "PoissonRegressor": PoissonRegressor(alpha=0, solver="newton-cholesky"),
}
print(f"{'':18}{'age':>9}{'power':>9}{'city':>9}{'deviance':>10}")
for name, model in models.items():
    model.fit(X_train, y_train, sample_weight=weight_train)
    predicted = np.maximum(model.predict(X_test), 1e-6)
    deviance = mean_poisson_deviance(y_test, predicted, sample_weight=weight_test)
    print(
        f"{name:18}" + "".join(f"{c:9.4f}" for c in model.coef_) + f"{deviance:10.4f}"
    )
print(f"{'truth':18}{-0.02:9.4f}{0.004:9.4f}{0.4:9.4f}")

# %%
# A weight of 2 is the sample twice. With exposures as weights a policy that was seen
# for a tenth of a year counts a tenth.

order = np.argsort(age)
grid = np.column_stack([age[order], np.full(n, 100.0), np.ones(n)])
bins = np.linspace(18, 80, 13)
which = np.digitize(age, bins) - 1
centre = (bins[1:] + bins[:-1]) / 2
chosen = (city == 1) & (abs(power - 100) < 25)
observed = [
    claims[chosen & (which == k)].sum() / exposure[chosen & (which == k)].sum()
    for k in range(12)
]
plt.plot(centre, observed, "o", color="0.5", label="observed")
for name, style in (("GDRegressor", "-"), ("squared error", "--")):
    plt.plot(grid[:, 0], models[name].predict(grid), style, label=name)
plt.xlabel("Age")
plt.ylabel("Claims for a year")
plt.title("City, power near 100")
plt.legend()
plt.show()

# %%
# ``"gamma"`` is for positive amounts, ``Tweedie(power=1.5)`` for totals that may be
# zero.
