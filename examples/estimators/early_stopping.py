"""
Early stopping and loss curves
==============================

With more features than samples a model learns the noise if it is given time. Samples
that are held out tell when.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skgd import GDClassifier
from skgd.displays import LossCurveDisplay

# %%
# 400 samples, 500 features, of which ten matter.

rng = np.random.default_rng(0)
X = rng.normal(size=(2400, 500))
logits = X[:, :10] @ rng.normal(scale=0.6, size=10)
y = rng.uniform(size=2400) < 1 / (1 + np.exp(-logits))
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=400, random_state=0
)

# %%
# ``early_stopping=True`` holds out a tenth of the samples, scores them after each
# epoch, stops when ``n_iter_no_change`` epochs bring no improvement, and returns the
# weights of the best epoch.

settings = {
    "alpha": 0,
    "optimizer": "sgd",
    "schedule": "constant",
    "average": False,
    "learning_rate": 0.01,
    "random_state": 0,
}
stopped = GDClassifier(early_stopping=True, **settings).fit(X_train, y_train)
trained = GDClassifier(max_iter=60, tol=None, **settings).fit(X_train, y_train)
for name, model in {"stopped early": stopped, "60 epochs": trained}.items():
    loss = log_loss(y_test, model.predict_proba(X_test))
    print(
        f"{name:14} {model.n_iter_:3} epochs, {model.stop_reason_:15} on new samples: "
        f"loss {loss:.3f}, accuracy {model.score(X_test, y_test):.3f}"
    )

# %%
# What long training spoils are the probabilities: the loss counts how sure a wrong
# answer is, the accuracy does not.
#
# The loss of the training samples falls all the time; that of the others turns round.
# ``validation_curve_`` has the score, which is the negative loss: higher is better.
# With a validation set of one's own, ``X_val`` and ``y_val``, and no limit of patience,
# the whole curve can be seen.

watched = GDClassifier(early_stopping=True, tol=None, max_iter=60, **settings)
watched.fit(X_train, y_train, X_val=X_test, y_val=y_test)
epochs = np.arange(1, 61)
curves = {
    "training": (epochs, watched.loss_curve_),
    "held out": (epochs, -np.array(watched.validation_curve_)),
}
display = LossCurveDisplay(curves).plot()
best = int(np.argmax(watched.validation_curve_)) + 1
display.ax_.axvline(best, color="0.6", linestyle=":")
display.ax_.set_title(f"The weights of epoch {best} are kept")
plt.show()

# %%
# ``scoring`` takes the name of any scorer of scikit-learn.

model = GDClassifier(early_stopping=True, scoring="roc_auc", **settings)
model.fit(X_train, y_train)
print(f"best AUC on its own tenth: {max(model.validation_curve_):.3f}")
