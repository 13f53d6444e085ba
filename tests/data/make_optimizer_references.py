"""Write optimizers.json: trajectories of PyTorch's and Optax's optimizers.

Run where torch and optax are installed, in this folder. Every case starts at
the same weights and is given the same gradients, whatever the weights become.
"""

import json
from pathlib import Path

import jax
import numpy as np
import optax
import optax.contrib
import torch

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)  # also that of NAdam's product of mu

RATE = 0.05
START = [0.5, -1.0, 2.0]
STEPS = np.arange(12)
FALLING = (1.0 / (1 + STEPS)).tolist()
GRADIENTS = np.stack(
    [
        np.cos(1.0 + STEPS**2),  # changes its sign often
        30.0 * np.exp(-0.4 * STEPS),  # falls
        np.where(STEPS % 3 == 0, 0.0, 0.01 * (STEPS - 5)),  # small, often zero
    ],
    axis=1,
)

# name here, parameters here, name there, parameters there
TORCH = [
    ("sgd", {}, "SGD", {}),
    ("momentum", {"momentum": 0.8}, "SGD", {"momentum": 0.8}),
    ("nesterov", {"momentum": 0.8}, "SGD", {"momentum": 0.8, "nesterov": True}),
    ("adagrad", {}, "Adagrad", {}),
    (
        "adagrad",
        {"initial_accumulator": 0.3, "eps": 0.01},
        "Adagrad",
        {"initial_accumulator_value": 0.3, "eps": 0.01},
    ),
    ("rmsprop", {"eps": 1e-8}, "RMSprop", {}),
    (
        "rmsprop",
        {"rho": 0.8, "momentum": 0.7, "eps": 0.01},
        "RMSprop",
        {"alpha": 0.8, "momentum": 0.7, "eps": 0.01},
    ),
    (
        "rmsprop",
        {"rho": 0.9, "centered": True, "eps": 1e-8},
        "RMSprop",
        {"alpha": 0.9, "centered": True},
    ),
    (
        "rmsprop",
        {"rho": 0.9, "momentum": 0.5, "centered": True, "eps": 1e-8},
        "RMSprop",
        {"alpha": 0.9, "momentum": 0.5, "centered": True},
    ),
    ("adadelta", {"rho": 0.9, "eps": 1e-6}, "Adadelta", {}),
    ("adadelta", {"rho": 0.7, "eps": 1e-3}, "Adadelta", {"rho": 0.7, "eps": 1e-3}),
    ("adam", {}, "Adam", {}),
    (
        "adam",
        {"beta1": 0.7, "beta2": 0.9, "eps": 0.01},
        "Adam",
        {"betas": (0.7, 0.9), "eps": 0.01},
    ),
    ("amsgrad", {}, "Adam", {"amsgrad": True}),
    (
        "amsgrad",
        {"beta1": 0.7, "beta2": 0.8, "eps": 0.01},
        "Adam",
        {"amsgrad": True, "betas": (0.7, 0.8), "eps": 0.01},
    ),
    ("adamw", {}, "AdamW", {}),
    (
        "adamw",
        {"beta1": 0.7, "beta2": 0.9, "weight_decay": 0.3},
        "AdamW",
        {"betas": (0.7, 0.9), "weight_decay": 0.3},
    ),
    ("adamax", {}, "Adamax", {}),
    (
        "adamax",
        {"beta1": 0.7, "beta2": 0.8, "eps": 0.01},
        "Adamax",
        {"betas": (0.7, 0.8), "eps": 0.01},
    ),
    ("nadam", {}, "NAdam", {}),
    (
        "nadam",
        {"beta1": 0.7, "beta2": 0.9, "eps": 0.01, "momentum_decay": 0.2},
        "NAdam",
        {"betas": (0.7, 0.9), "eps": 0.01, "momentum_decay": 0.2},
    ),
    ("radam", {}, "RAdam", {}),
    (
        "radam",
        {"beta1": 0.7, "beta2": 0.9, "eps": 0.01},
        "RAdam",
        {"betas": (0.7, 0.9), "eps": 0.01},
    ),
    ("rprop", {"delta_min": 1e-6 / RATE, "delta_max": 50 / RATE}, "Rprop", {}),
    (
        "rprop",
        {"eta_minus": 0.4, "eta_plus": 1.5, "delta_min": 0.5, "delta_max": 2.0},
        "Rprop",
        {"etas": (0.4, 1.5), "step_sizes": (0.5 * RATE, 2.0 * RATE)},
    ),
]
OPTAX = [
    ("adabelief", {}, "adabelief", {}),
    (
        "adabelief",
        {"beta1": 0.7, "beta2": 0.9, "eps": 1e-3},
        "adabelief",
        {"b1": 0.7, "b2": 0.9, "eps": 1e-3, "eps_root": 1e-3},
    ),
    ("yogi", {}, "yogi", {}),
    (
        "yogi",
        {"beta1": 0.7, "beta2": 0.9, "eps": 0.01},
        "yogi",
        {"b1": 0.7, "b2": 0.9, "eps": 0.01},
    ),
    ("lion", {}, "lion", {"weight_decay": 0.0}),
    (
        "lion",
        {"beta1": 0.6, "beta2": 0.8, "weight_decay": 0.3},
        "lion",
        {"b1": 0.6, "b2": 0.8, "weight_decay": 0.3},
    ),
]
# The same, and the rates: one, or one for each step.
OPTAX_CONTRIB = [
    ("cocob", {}, "cocob", {}, 1.0),
    ("cocob", {"alpha": 3.0, "eps": 0.1}, "cocob", {"alpha": 3.0, "eps": 0.1}, 1.0),
    ("dog", {}, "dog", {}, 1.0),
    (
        "dog",
        {"initial_distance": 0.3, "eps": 0.1},
        "dog",
        {"init_step": ("heuristic", 0.3), "eps": 0.1},
        FALLING,
    ),
    ("prodigy", {}, "prodigy", {}, 1.0),
    (
        "prodigy",
        {
            "beta1": 0.6,
            "beta2": 0.8,
            "eps": 0.01,
            "initial_distance": 0.1,
            "coefficient": 2.0,
        },
        "prodigy",
        {
            "betas": (0.6, 0.8),
            "eps": 0.01,
            "estim_lr0": 0.1,
            "estim_lr_coef": 2.0,
        },
        FALLING,
    ),
    ("schedule_free_sgd", {}, "schedule_free_sgd", {}, RATE),
    ("schedule_free_sgd", {"beta": 0.5}, "schedule_free_sgd", {"b1": 0.5}, RATE),
    ("schedule_free_adamw", {}, "schedule_free_adamw", {}, RATE),
    (
        "schedule_free_adamw",
        {"beta1": 0.6, "beta2": 0.8, "eps": 0.01},
        "schedule_free_adamw",
        {"b1": 0.6, "b2": 0.8, "eps": 0.01},
        RATE,
    ),
]


def torch_trajectory(name, parameters):
    w = torch.tensor(START, requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], lr=RATE, foreach=False, **parameters)
    for g in GRADIENTS:
        w.grad = torch.tensor(g)
        optimizer.step()
        yield w.detach().numpy().tolist()


def optax_trajectory(name, parameters):
    w = jax.numpy.array(START)
    optimizer = getattr(optax, name)(RATE, **parameters)
    state = optimizer.init(w)
    if name == "yogi":
        # The paper's m starts at zero; optax starts it as it starts v.
        first, *rest = state
        state = (first._replace(mu=jax.numpy.zeros_like(w)), *rest)
    for g in GRADIENTS:
        updates, state = optimizer.update(jax.numpy.array(g), state, w)
        w = optax.apply_updates(w, updates)
        yield w.tolist()


def contrib_trajectory(name, parameters, rates):
    """Yield the weights in training, and those to predict with where they differ."""
    w = jax.numpy.array(START)
    table = jax.numpy.broadcast_to(jax.numpy.array(rates), len(STEPS))
    # A constant is given as one: cocob and schedule_free_* count steps otherwise.
    rate = rates if isinstance(rates, float) else lambda count: table[count]
    optimizer = getattr(optax.contrib, name)(rate, **parameters)
    state = optimizer.init(w)
    for g in GRADIENTS:
        updates, state = optimizer.update(jax.numpy.array(g), state, w)
        w = optax.apply_updates(w, updates)
        if name.startswith("schedule_free"):
            x = optax.contrib.schedule_free_eval_params(state, w)
            yield w.tolist(), x.tolist()
        else:
            yield w.tolist(), None


def cases():
    for library, table, trajectory in [
        (f"torch {torch.__version__.split('+')[0]}", TORCH, torch_trajectory),
        (f"optax {optax.__version__}", OPTAX, optax_trajectory),
    ]:
        for name, parameters, their_name, their_parameters in table:
            yield {
                "optimizer": name,
                "parameters": parameters,
                "source": f"{library} {their_name} {json.dumps(their_parameters)}",
                "weights": list(trajectory(their_name, their_parameters)),
            }
    for name, parameters, their_name, their_parameters, rates in OPTAX_CONTRIB:
        path = list(contrib_trajectory(their_name, their_parameters, rates))
        source = f"{their_name} {json.dumps(their_parameters)}"
        case = {
            "optimizer": name,
            "parameters": parameters,
            "source": f"optax {optax.__version__} contrib.{source}",
            "rates": rates,
            "weights": [w for w, _ in path],
        }
        averaged = [x for _, x in path if x is not None]
        yield case | ({"averaged": averaged} if averaged else {})


def write(path):
    head = {"rate": RATE, "start": START, "gradients": GRADIENTS.tolist()}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    rows = ",\n".join(json.dumps(case) for case in cases())
    path.write_text("{" + ",\n".join(lines) + ',\n"cases": [\n' + rows + "\n]}\n")


if __name__ == "__main__":
    write(Path(__file__).with_name("optimizers.json"))
