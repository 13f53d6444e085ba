"""
A file that does not fit into memory
====================================

``partial_fit`` makes one pass over what it is given. A file is read in chunks, as often
as there are epochs to be.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skgd import GDRegressor
from skgd.displays import LossCurveDisplay

# %%
# A CSV file, generated. Its columns are in different units.

rng = np.random.default_rng(0)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "flats.csv"
n = 40_000
table = pd.DataFrame(
    {
        "area": rng.gamma(8, 10, size=n),
        "year": rng.integers(1900, 2025, size=n),
        "distance": rng.exponential(4000, size=n),
        "floor": rng.integers(0, 12, size=n),
    }
)
table["price"] = (
    3000 * table["area"]
    + 400 * (table["year"] - 1960)
    - 8 * table["distance"]
    + 1500 * table["floor"]
    + rng.normal(scale=20_000, size=n)
)
table.to_csv(path, index=False)
print(f"{path.stat().st_size / 1e6:.1f} MB")

# %%
# The last chunk is kept for testing. The model learns the scales of the columns as they
# come.

model = GDRegressor(random_state=0)
scores = []
for epoch in range(3):
    for chunk in pd.read_csv(path, chunksize=4000):
        X, y = chunk.drop(columns="price"), chunk["price"]
        if chunk.index[-1] == n - 1:
            scores.append(model.score(X, y))
        else:
            model.partial_fit(X, y)
    print(
        f"epoch {epoch + 1}: {model.t_} updates, R² on the last chunk {scores[-1]:.4f}"
    )
for name, coef in zip(model.feature_names_in_, model.coef_, strict=True):
    print(f"{name:9}{coef:8.1f}")

# %%
# Binary files: ``np.memmap``
# ---------------------------
# An array on disk can be given to ``fit`` as it is. Nothing is copied: the pass reads
# the rows where they are, in the order of the batches.

matrix = np.lib.format.open_memmap(
    Path(folder.name) / "X.npy", mode="w+", dtype=np.float32, shape=(n, 4)
)
matrix[:] = table.drop(columns="price")
matrix.flush()
X = np.load(Path(folder.name) / "X.npy", mmap_mode="r")
model = GDRegressor(random_state=0).fit(X, table["price"].to_numpy(np.float32))
print(type(X).__name__, model.coef_.dtype, model.coef_.round(1))

# %%
LossCurveDisplay.from_estimator(model)
plt.show()

# %%
del X, matrix
folder.cleanup()
