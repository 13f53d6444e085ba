"""
Grid search over optimizers
===========================

Optimizer, rate, batch size and schedule are parameters like any others. An optimizer
that is given as an instance has parameters of its own, which the search can reach.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from skgd import GDClassifier
from skgd.optimizers import Adam, Momentum

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# A list of grids, so that each optimizer has its own rates and its own parameters. Ten
# epochs each: what is searched for is what gets furthest in that time.

grid = [
    {
        "optimizer": ["sgd"],
        "learning_rate": [0.1, 0.3, 1.0],
        "batch_size": [16, 64],
        "schedule": ["constant", "cosine"],
    },
    {
        "optimizer": [Momentum()],
        "optimizer__momentum": [0.8, 0.95],
        "learning_rate": [0.01, 0.03, 0.1],
        "batch_size": [16, 64],
    },
    {
        "optimizer": [Adam()],
        "optimizer__beta1": [0.5, 0.9],
        "learning_rate": [0.01, 0.03, 0.1],
        "batch_size": [16, 64],
    },
]
base = GDClassifier(schedule="cosine", max_iter=10, tol=None, random_state=0)
search = GridSearchCV(base, grid, scoring="neg_log_loss", cv=3)
search.fit(X_train, y_train)
print("best:", search.best_params_)
print(f"held-out accuracy: {search.best_estimator_.score(X_test, y_test):.3f}")

# %%
results = pd.DataFrame(search.cv_results_)
results["loss"] = -results["mean_test_score"]
results["name"] = [
    p if isinstance(p, str) else type(p).__name__ for p in results["param_optimizer"]
]
columns = ["name", "param_learning_rate", "param_batch_size", "loss"]
print(results.sort_values("loss")[columns].head(8).to_string(index=False))

# %%
# Read the table by its best entry for each optimizer and rate: a good optimizer is one
# that is good at many rates.

table = results.pivot_table("loss", "name", "param_learning_rate", "min")
for (name, row), style in zip(table.iterrows(), ("o-", "s--", "^-."), strict=True):
    row = row.dropna()
    plt.plot(row.index.to_numpy(float), row.to_numpy(float), style, label=name)
plt.xscale("log")
plt.xlabel("Rate")
plt.ylabel("Best cross-validated log loss")
plt.legend()
plt.show()

# %%
# On a name the parameters of the component cannot be reached, and the error says what
# to do instead.

try:
    GDClassifier(optimizer="adam").set_params(optimizer__beta1=0.5)
except ValueError as error:
    print(error)
print(np.round(search.best_score_, 3))
