"""
The batch size on digits
========================

What the batch size changes: the number of updates in an epoch, what an update costs,
and where training is after the same time.
"""

from time import perf_counter

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skgd import GDClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
print(X_train.shape)

# %%
# The same 20 epochs of Adam at the same rate for batch sizes from one to all. Times are
# the best of three.

EPOCHS = 20
sizes = [1, 4, 16, 32, 64, 256, 512, len(X_train)]
rows = []
for size in sizes:
    model = GDClassifier(
        batch_size=size,
        learning_rate=0.01,
        schedule="constant",
        average=False,
        max_iter=EPOCHS,
        tol=None,
        random_state=0,
    )
    seconds = []
    for _ in range(3):
        start = perf_counter()
        model.fit(X_train, y_train)
        seconds.append(perf_counter() - start)
    epoch = min(seconds) / EPOCHS
    updates = model.t_ // EPOCHS
    scores = model.score(X_train, y_train), model.score(X_test, y_test)
    rows.append((size, updates, epoch / updates * 1e6, epoch * 1e3, *scores, model))

print("batch   updates in   µs for      ms for      accuracy   accuracy")
print(" size     an epoch   an update   an epoch    training   held out")
for size, updates, update, epoch, training, held_out, _ in rows:
    print(
        f"{size:5}{updates:13}{update:12.1f}{epoch:11.2f}{training:12.3f}{held_out:11.3f}"
    )

# %%
# Small batches make many cheap updates. Large ones make few, each a little dearer; at
# the same rate they have not got far after 20 epochs.

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
axes[0].loglog(sizes, [row[2] for row in rows], "o-", label="µs for an update")
axes[0].loglog(sizes, [row[3] for row in rows], "s--", label="ms for an epoch")
axes[0].set(xlabel="Batch size", title="Time")
axes[0].legend()
axes[1].semilogx(sizes, [row[4] for row in rows], "o-", label="training")
axes[1].semilogx(sizes, [row[5] for row in rows], "s--", label="held out")
axes[1].set(xlabel="Batch size", title=f"Accuracy after {EPOCHS} epochs")
axes[1].legend()
plt.show()

# %%
# The loss against what has been spent: epochs, updates, seconds.

fig, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained", sharey=True)
for size, updates, _, epoch, *_, model in rows[::2] + rows[-1:]:
    loss = model.loss_curve_
    epochs = range(1, len(loss) + 1)
    for ax, unit in zip(axes, (1, updates, epoch / 1e3), strict=True):
        ax.plot([e * unit for e in epochs], loss, label=f"{size}")
for ax, name in zip(axes, ("Epochs", "Updates", "Seconds"), strict=True):
    ax.set(xlabel=name, yscale="log")
axes[0].set_ylabel("Loss")
axes[1].set_xscale("log")
axes[2].set_xscale("log")
axes[2].legend(title="Batch size")
plt.show()
