"""Write schedules.json: what torch.optim.lr_scheduler does to a rate of 1.

Run it with torch installed: ``python tests/data/make_schedule_references.py``.
Each entry lists the rate in force at the steps 1, 2, …
"""

import json
from pathlib import Path

import torch
from torch.optim import lr_scheduler as lr


def rates(n, build):
    """Return the rates of ``n`` steps under the scheduler of ``build(optimizer)``."""
    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=1.0)
    scheduler = build(optimizer)
    values = []
    for _ in range(n):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return values


def warmup(optimizer, start, length, after):
    """Linear warm-up without an idle step, then ``after``."""
    first = start + (1 - start) / length
    ramp = lr.LinearLR(optimizer, start_factor=first, total_iters=length - 1)
    return lr.SequentialLR(optimizer, [ramp, after], milestones=[length])


REFERENCES = {
    "exponential": rates(60, lambda o: lr.ExponentialLR(o, gamma=0.9)),
    "step": rates(60, lambda o: lr.StepLR(o, step_size=7, gamma=0.3)),
    "multistep": rates(60, lambda o: lr.MultiStepLR(o, [5, 12, 40], gamma=0.5)),
    "linear": rates(60, lambda o: lr.PolynomialLR(o, total_iters=50)),
    "polynomial": rates(60, lambda o: lr.PolynomialLR(o, total_iters=50, power=2.5)),
    # One step past T_max: from there torch's cosine rises again.
    "cosine": rates(51, lambda o: lr.CosineAnnealingLR(o, T_max=50, eta_min=0.01)),
    "cosine_restarts": rates(
        60, lambda o: lr.CosineAnnealingWarmRestarts(o, T_0=10, eta_min=0.05)
    ),
    "cosine_restarts_tripled": rates(
        400, lambda o: lr.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=3)
    ),
    # momentum stays out of it: the scheduler would change it as well
    "one_cycle": rates(
        50, lambda o: lr.OneCycleLR(o, max_lr=1.0, total_steps=50, cycle_momentum=False)
    ),
    "one_cycle_of_four": rates(
        4, lambda o: lr.OneCycleLR(o, max_lr=1.0, total_steps=4, cycle_momentum=False)
    ),
    "warmup_exponential": rates(
        40, lambda o: warmup(o, 0.2, 8, lr.ExponentialLR(o, gamma=0.9))
    ),
    "warmup_polynomial": rates(
        40, lambda o: warmup(o, 0.0, 8, lr.PolynomialLR(o, total_iters=30))
    ),
    "join": rates(
        40,
        lambda o: lr.SequentialLR(
            o,
            [
                lr.ExponentialLR(o, gamma=0.9),
                lr.StepLR(o, step_size=4, gamma=0.5),
                lr.PolynomialLR(o, total_iters=10),
            ],
            milestones=[6, 20],
        ),
    ),
}

if __name__ == "__main__":
    target = Path(__file__).with_name("schedules.json")
    lines = (f" {json.dumps(k)}: {json.dumps(v)}" for k, v in REFERENCES.items())
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")
