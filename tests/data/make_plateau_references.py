"""Write plateaus.json: the rates of torch's ReduceLROnPlateau for some values.

Run it with torch installed: ``python tests/data/make_plateau_references.py``.
Each entry lists what it was told, and the rate after each value, from a rate of 1.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

RNG = np.random.default_rng(0)
FALLING = np.round(2 * 0.9 ** np.arange(60) + 0.1 + 0.02 * RNG.normal(size=60), 3)
LEVEL = np.round(1 + 0.01 * RNG.normal(size=60), 3)
SCORES = np.round(1 - 0.5 * 0.9 ** np.arange(60) + 0.01 * RNG.normal(size=60), 3)


def reference(values, mode="min", **options):
    """Return values and rates; eps=0 so that every reduction is made."""
    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, mode=mode, eps=0, **options)
    rates = []
    for value in values.tolist():
        optimizer.step()
        scheduler.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    return {"values": values.tolist(), "rates": rates}


REFERENCES = {
    "default": reference(FALLING, patience=3),
    "halved": reference(FALLING, factor=0.5, patience=1, threshold=0.01),
    "cooldown": reference(LEVEL, factor=0.3, patience=2, cooldown=5),
    "least": reference(LEVEL, factor=0.2, patience=0, min_lr=0.01),
    "score": reference(SCORES, mode="max", factor=0.5, patience=2, threshold=0.02),
}

if __name__ == "__main__":
    target = Path(__file__).with_name("plateaus.json")
    lines = (f" {json.dumps(k)}: {json.dumps(v)}" for k, v in REFERENCES.items())
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")
