"""
Small batches and flat minima
=============================

The gradient of a small batch is noisy. In a narrow minimum the noise throws the weight
out again; in a wide one it stays. So small batches tend to end in wide minima.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgd import minimize

# %%
# One weight, and a loss with two minima of nearly the same depth: a narrow one at −1
# and a wide one at 1. All samples have the same curve, each moved sideways a little.

rng = np.random.default_rng(0)
shifts = rng.normal(scale=0.25, size=512)
DIPS = [(-1.0, 0.2, 1.5), (1.0, 0.8, 1.0)]  # place, width, depth


def curve(u):
    dips = [
        depth * np.exp(-((u - at) ** 2) / (2 * width**2)) for at, width, depth in DIPS
    ]
    return 0.1 * u**2 - sum(dips)


def slope(u):
    return 0.2 * u + sum(
        depth * (u - at) / width**2 * np.exp(-((u - at) ** 2) / (2 * width**2))
        for at, width, depth in DIPS
    )


w = np.linspace(-2.5, 2.5, 400)
for shift in shifts[:12]:
    plt.plot(w, curve(w + shift), color="0.8", linewidth=0.8)
mean = curve(w[:, None] + shifts).mean(axis=1)
narrow, wide = w[np.argmin(np.where(w < 0, mean, 0))], w[np.argmin(mean * (w > 0))]
plt.plot(w, mean, color="C0", linewidth=2)
plt.xlabel("$w$")
plt.ylabel("Loss")
plt.title("Twelve samples, and the mean of all")
plt.show()

# %%
# Sixty descents from sixty starts, in one call: each coordinate is a descent of its
# own, and all use the same batches.

starts = np.linspace(-2.2, 2.2, 60)


def loss(w, shifts):
    return curve(w[:, None] + shifts).sum(axis=0).mean()


def gradient(w, shifts):
    return slope(w[:, None] + shifts).mean(axis=1)


def ends(batch_size, rate, n_steps=1500, record=None):
    """Make about so many steps of each descent."""
    return minimize(
        loss,
        starts,
        jac=gradient,
        data=shifts,
        batch_size=batch_size,
        learning_rate=rate,
        max_iter=max(1, n_steps * batch_size // len(shifts)),
        gtol=0,
        random_state=0,
        record=record,
    )


sizes = [1, 2, 4, 8, 16, 64, 512]
rates = [0.05, 0.1, 0.2]
share = np.array([[np.mean(ends(b, rate).x > 0) for b in sizes] for rate in rates])
print("share of the descents that end in the wide minimum")
print("batch size" + "".join(f"{b:7}" for b in sizes))
for rate, row in zip(rates, share, strict=True):
    print(f"rate {rate:<5}" + "".join(f"{value:7.0%}" for value in row))

# %%
# With all samples in a batch each descent ends in the minimum on whose side it began.
# Small batches at a rate of 0.1 or more leave the narrow one. The noise of a step has a
# standard deviation of rate / √(batch size), so what larger batches take away a higher
# rate can give back. Every sixth descent, for the first 250 updates:

fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
for ax, size in zip(axes, (1, 512), strict=True):
    ax.axhline(narrow, color="C1", linestyle="--", label="narrow minimum")
    ax.axhline(wide, color="C2", linestyle="-.", label="wide minimum")
    path = ends(size, 0.1, record="step").trajectory
    ax.plot(path[:250, ::6], color="C0", alpha=0.6, linewidth=0.8)
    ax.set(title=f"batch size {size}, rate 0.1", xlabel="Update")
axes[1].legend(loc="center right")
axes[0].set_ylabel("$w$")
plt.show()

# %%
# That wide minima also predict better on new data is an observation on neural networks
# (N. S. Keskar et al., "On Large-Batch Training for Deep Learning: Generalization Gap
# and Sharp Minima", 2017) and not a theorem. The losses of linear models are convex:
# they have one minimum, or one flat valley, and there is nothing to choose.
