"""Write the pickle of this release, which later ones must load.

Run once for a release: ``python tests/data/make_pickle.py``.
"""

import pickle
from pathlib import Path

import numpy as np

import skgd


def main():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = X @ [1.0, -2.0, 0.5] + 3
    regressor = skgd.GDRegressor(max_iter=3, tol=None, random_state=0).fit(X, y)
    classifier = skgd.GDClassifier(max_iter=3, tol=None, random_state=0)
    classifier.fit(X, np.digitize(y, [2, 4]))
    stored = {
        "version": skgd.__version__,
        "regressor": regressor,
        "classifier": classifier,
        "X": X,
        "predictions": regressor.predict(X),
        "probabilities": classifier.predict_proba(X),
    }
    path = Path(__file__).with_name(f"skgd-{skgd.__version__}.pickle")
    path.write_bytes(pickle.dumps(stored, protocol=4))


if __name__ == "__main__":
    main()
