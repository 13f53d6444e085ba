"""What is measured: pieces of work, and those who do them.

How the parameters of scikit-learn's SGD correspond: ``eta0`` with
``learning_rate="constant"`` is our ``learning_rate`` with ``optimizer="sgd"`` and
``batch_size=1``; ``alpha``, ``penalty``, ``max_iter`` and ``shuffle`` mean the same,
and so do ``tol=None`` (no stopping) and ``average=False``. On CSR rows scikit-learn
multiplies the steps of the intercept by 0.01, which changes the model, not the time.
"""

import gc
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

import numpy as np
from scipy import sparse
from sklearn.linear_model import SGDClassifier, SGDRegressor
from threadpoolctl import threadpool_limits

from skgd import GDClassifier, GDRegressor
from skgd.optimizers import Optimizer

try:
    import torch
except ImportError:
    torch = None

try:
    from river import linear_model as river_linear
    from river import optim as river_optim
except ImportError:
    river_linear = None

EPOCHS = 10
PLAIN: dict = {"standardize": False, "schedule": "constant", "average": False}
"""What the others do: X as it is, one rate, the last weights."""

CALLS = 1000
ALPHA = 1e-4

SMALL = 100
"""What the number of rows is divided by in a short run."""


@dataclass(frozen=True)
class Timed:
    """A contender that is timed in this process.

    ``share`` is the part of the work that a run does: where the whole would take
    minutes, the time of a part is scaled up.
    """

    run: Callable[[], object]
    share: float = 1.0

    def measure(self) -> float:
        gc.collect()
        start = perf_counter()
        self.run()
        return (perf_counter() - start) / self.share


@dataclass(frozen=True)
class Fresh:
    """A contender that measures itself in a fresh process, and prints one number.

    The process does not look in the working folder: it imports the installed skgd.
    """

    script: str
    arguments: tuple = ()

    def measure(self) -> float:
        command = [sys.executable, "-P", "-c", self.script, *map(str, self.arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout)


@dataclass(frozen=True)
class Known:
    """A contender whose measure needs no measuring."""

    value: float

    def measure(self) -> float:
        return self.value


@dataclass(frozen=True, eq=False)
class Work:
    """A piece of work and what is asked of skgd, its first contender.

    A measurement is divided by ``per``. ``required`` has bounds for the measurement
    of a contender divided by that of skgd.
    """

    name: str
    title: str
    contenders: Callable[[int], dict[str, Timed | Fresh | Known]]
    """From a divisor of the number of rows (1, or more for a short run)."""
    required: dict[str, tuple[str, float]] = field(default_factory=dict)
    per: float = 1
    unit: str = "s"


# ---------------------------------------------------------------------------
# Data


def regression_data(n, d, dtype="float64"):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=dtype)
    noise = rng.standard_normal(n, dtype=dtype)
    return X, X @ rng.standard_normal(d, dtype=dtype) + noise


def multiclass_data(n, d, n_classes):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    z = X @ rng.standard_normal((d, n_classes)) + rng.gumbel(size=(n, n_classes))
    return X, z.argmax(axis=1)


def sparse_data(n, d, n_nonzero):
    """Return rows of length 1 with values in distinct columns."""
    rng = np.random.default_rng(0)
    stride = d // n_nonzero
    columns = np.arange(n_nonzero) * stride + rng.integers(stride, size=(n, n_nonzero))
    values = rng.random((n, n_nonzero))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    indptr = np.arange(n + 1) * n_nonzero
    X = sparse.csr_matrix((values.ravel(), columns.ravel(), indptr), shape=(n, d))
    return X, (X @ rng.standard_normal(d) > 0).astype(int)


# ---------------------------------------------------------------------------
# One row a step


def plain_sgd(n, d, divisor):
    n //= divisor
    X, y = regression_data(n, d)
    rate = 0.1 / d
    common = {"alpha": ALPHA, "max_iter": EPOCHS, "tol": None, "random_state": 0}
    ours = GDRegressor(
        optimizer="sgd",
        learning_rate=rate,
        batch_size=1,
        **PLAIN,
        **common,
    )
    theirs = SGDRegressor(learning_rate="constant", eta0=rate, **common)
    steps = min(n, 20_000)
    share = steps / (n * EPOCHS)
    contenders = {
        "skgd": Timed(partial(ours.fit, X, y)),
        "SGDRegressor": Timed(partial(theirs.fit, X, y)),
        "NumPy loop": Timed(partial(numpy_sgd, X, y, rate, steps), share),
    }
    if river_linear:
        steps = min(n, 2000)
        learn = partial(river_sgd, X[:steps], y[:steps], rate)
        contenders["River"] = Timed(learn, steps / (n * EPOCHS))
    return contenders


def numpy_sgd(X, y, rate, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for i in np.random.default_rng(0).integers(len(X), size=steps):
        error = X[i] @ w + b - y[i]
        w -= rate * (error * X[i] + ALPHA * w)
        b -= rate * error
    return w, b


def river_model(rate):
    # Its squared error has no ½: half the rate.
    return river_linear.LinearRegression(
        optimizer=river_optim.SGD(rate / 2), l2=2 * ALPHA, intercept_lr=rate / 2
    )


def river_sgd(X, y, rate):
    model = river_model(rate)
    for x, target in zip(X.tolist(), y.tolist(), strict=True):
        model.learn_one(dict(enumerate(x)), target)
    return model


# ---------------------------------------------------------------------------
# Adam in batches


def adam(dtype, divisor):
    n, d, batch_size = 500_000 // divisor, 50, 32
    X, y = regression_data(n, d, dtype)
    ours = GDRegressor(
        alpha=ALPHA,
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=batch_size,
        max_iter=EPOCHS,
        tol=None,
        random_state=0,
        **PLAIN,
    )
    batches = min(n // batch_size, 1000)
    share = batches * batch_size / (n * EPOCHS)
    w = np.ones(d, dtype)
    contenders = {
        "skgd": Timed(partial(ours.fit, X, y)),
        "X @ w": Timed(partial(read, X, w)),
        "X @ w, one thread": Timed(partial(read_in_one_thread, X, w)),
        "NumPy loop": Timed(partial(numpy_adam, X, y, batch_size, batches), share),
    }
    if torch:
        train = partial(torch_adam, X, y, batch_size)
        contenders["torch"] = Timed(train, 1 / EPOCHS)
    return contenders


def read(X, w):
    for _ in range(EPOCHS):
        X @ w


def read_in_one_thread(X, w):
    with threadpool_limits(1):
        read(X, w)


def numpy_adam(X, y, batch_size, batches, rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    rng = np.random.default_rng(0)
    w = np.zeros(X.shape[1] + 1, X.dtype)
    m, v, g = np.zeros_like(w), np.zeros_like(w), np.empty_like(w)
    for t in range(1, batches + 1):
        rows = rng.integers(len(X), size=batch_size)
        batch = X[rows]
        error = batch @ w[:-1] + w[-1] - y[rows]
        g[:-1] = error @ batch / batch_size + ALPHA * w[:-1]
        g[-1] = error.mean()
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        w -= rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w


def torch_adam(X, y, batch_size):
    """Train for one epoch; ``weight_decay`` is here the penalty, on the bias too."""
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    model = torch.nn.Linear(X.shape[1], 1, dtype=X.dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=ALPHA)
    for rows in torch.randperm(len(X)).split(batch_size):
        optimizer.zero_grad()
        error = model(X[rows]).squeeze(1) - y[rows]
        (0.5 * error.square().mean()).backward()
        optimizer.step()
    return model


class PythonAdam(Optimizer):
    """Adam as a user would write it; it has no compiled twin."""

    default_learning_rate = 1e-3

    def init(self, w):
        return {"m": np.zeros_like(w), "v": np.zeros_like(w)}

    def direction(self, w, g, t, m, v):
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        return m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)

    def scale(self, w, g, t, m, v):
        return 1 / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def python_optimizer(divisor):
    X, y = regression_data(500_000 // divisor, 50)

    def fit(optimizer):
        model = GDRegressor(
            alpha=ALPHA,
            optimizer=optimizer,
            learning_rate=1e-3,
            batch_size=256,
            max_iter=EPOCHS,
            tol=None,
            random_state=0,
            **PLAIN,
        )
        return Timed(partial(model.fit, X, y))

    return {"skgd": fit("adam"), "Adam in Python": fit(PythonAdam())}


def threads(divisor):
    X, y = regression_data(500_000 // divisor, 50)
    options = {"max_iter": EPOCHS, "tol": None}
    models = [GDRegressor(random_state=seed, **PLAIN, **options) for seed in (0, 1)]

    def fit(model):
        model.fit(X, y)

    def fit_in_threads():
        with ThreadPoolExecutor(len(models)) as pool:
            list(pool.map(fit, models))

    return {
        "skgd": Timed(fit_in_threads),
        "one after the other": Timed(lambda: list(map(fit, models))),
    }


# ---------------------------------------------------------------------------
# Classes, sparse rows


def softmax(divisor):
    X, y = multiclass_data(200_000 // divisor, 50, 10)
    rate = 1e-3
    common = {"alpha": ALPHA, "max_iter": EPOCHS, "tol": None, "random_state": 0}
    ours = GDClassifier(
        optimizer="sgd", learning_rate=rate, batch_size=64, **PLAIN, **common
    )
    theirs = SGDClassifier(
        loss="log_loss", learning_rate="constant", eta0=rate, **common
    )
    return {
        "skgd": Timed(partial(ours.fit, X, y)),
        "SGDClassifier": Timed(partial(theirs.fit, X, y)),
    }


def sparse_rows(divisor):
    X, y = sparse_data(20_000 // divisor, 200_000, 100)
    rate = 0.1
    common = {"alpha": ALPHA, "tol": None, "random_state": 0}

    def ours(optimizer, penalty, average=False):
        model = GDClassifier(
            optimizer=optimizer,
            penalty=penalty,
            learning_rate=rate,
            batch_size=1,
            max_iter=EPOCHS,
            **PLAIN | common | {"average": average},
        )
        return Timed(partial(model.fit, X, y))

    theirs = SGDClassifier(
        loss="log_loss",
        learning_rate="constant",
        eta0=rate,
        max_iter=EPOCHS,
        **common,
    )
    return {
        "skgd": ours("sgd", "l2"),
        "SGDClassifier": Timed(partial(theirs.fit, X, y)),
        "skgd, average": ours("sgd", "l2", average=True),
        "skgd, adagrad, l1": ours("adagrad", "l1"),
        "skgd, adagrad, l2": ours("adagrad", "l2"),
    }


# ---------------------------------------------------------------------------
# One row a call


def one_row_models():
    common = {"alpha": ALPHA, "random_state": 0}
    ours = GDRegressor(
        optimizer="sgd",
        learning_rate=0.01,
        batch_size=1,
        **PLAIN,
        **common,
    )
    theirs = SGDRegressor(learning_rate="constant", eta0=0.01, **common)
    return ours, theirs


def one_row_partial_fit(divisor):
    X, y = regression_data(1, 10)
    ours, theirs = one_row_models()
    contenders = {
        "skgd": repeated(partial(ours.partial_fit, X, y)),
        "SGDRegressor": repeated(partial(theirs.partial_fit, X, y)),
    }
    if river_linear:
        x, target = dict(enumerate(X[0].tolist())), y.item()
        learn = river_model(0.01).learn_one
        contenders["River"] = repeated(partial(learn, x, target))
    return contenders


def one_row_predict(divisor):
    X, y = regression_data(1, 10)
    ours, theirs = one_row_models()
    return {
        "skgd": repeated(partial(ours.fit(X, y).predict, X)),
        "SGDRegressor": repeated(partial(theirs.fit(X, y).predict, X)),
    }


def repeated(call):
    def run():
        for _ in range(CALLS):
            call()

    return Timed(run)


# ---------------------------------------------------------------------------
# In a fresh process

IMPORT = """
import sys, time
start = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - start)
"""

FIRST_FITS = """
import sys, time
import numpy as np
from skgd import GDRegressor
rng = np.random.default_rng(0)
n = int(sys.argv[2])
X, y = rng.standard_normal((n, 50)), rng.standard_normal(n)
model = GDRegressor(max_iter=10, tol=None, standardize=False, random_state=0)
for _ in range(int(sys.argv[1])):
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
print(seconds)
"""

# The peak of the process before and after; X is made in place, so that the peak
# before is X, and a small fit has loaded everything that is loaded once. Not ru_maxrss,
# which in a child starts at what its parent had.
PEAK_OF_FIT = """
import re, sys
from pathlib import Path
import numpy as np
from skgd import GDRegressor
def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1]) * 1024
def fit(optimizer, batch_size, X):
    GDRegressor(
        optimizer=optimizer, learning_rate=1e-3, batch_size=batch_size, max_iter=2,
        tol=None, standardize=False, random_state=0,
    ).fit(X, y[: len(X)])
dtype, n, d, optimizer, batch_size = sys.argv[1:]
rng = np.random.default_rng(0)
X = np.empty((int(n), int(d)), dtype)
y = np.empty(int(n), dtype)
rng.standard_normal(out=X, dtype=dtype)
rng.standard_normal(out=y, dtype=dtype)
fit(optimizer, int(batch_size), X[:1000])
before = peak()
fit(optimizer, int(batch_size), X)
print((peak() - before) / 1e6)
"""


# An epoch of many seconds: each of its 20,000 steps goes over 200,000 weights.
INTERRUPT = """
import signal, threading, time
import numpy as np
from scipy import sparse
from skgd import GDRegressor
n, d = 20_000, 200_000
X = sparse.csr_matrix((np.ones(n), np.arange(n), np.arange(n + 1)), (n, d))
model = GDRegressor(
    optimizer="adam", max_iter=1, batch_size=1, tol=None, standardize=False
)
def interrupt():
    global sent
    sent = time.perf_counter()
    signal.raise_signal(signal.SIGINT)
timer = threading.Timer(1, interrupt)
try:
    timer.start()
    model.fit(X, np.arange(n))
except KeyboardInterrupt:
    print(time.perf_counter() - sent)
"""


def imports(divisor):
    return {
        "skgd": Fresh(IMPORT, ("skgd",)),
        "sklearn.linear_model": Fresh(IMPORT, ("sklearn.linear_model",)),
    }


def first_fit(divisor):
    n = 500_000 // divisor
    return {
        "skgd": Fresh(FIRST_FITS, (1, n)),
        "second fit": Fresh(FIRST_FITS, (2, n)),
    }


def interrupt(divisor):
    return {"skgd": Fresh(INTERRUPT), "half a second": Known(0.5)}


def memory(dtype, optimizer, batch_size, divisor):
    n, d = 2_000_000 // divisor, 50
    arguments = (dtype, n, d, optimizer, batch_size)
    return {
        "skgd": Fresh(PEAK_OF_FIT, arguments),
        "X": Known(n * d * np.dtype(dtype).itemsize / 1e6),
    }


# ---------------------------------------------------------------------------

SGD_SIZES = {
    (1_000_000, 10): 6,
    (500_000, 50): 6,
    (200_000, 200): 4,
    (50_000, 1000): 3,
}

WORKS = [
    *(
        Work(
            f"sgd-{d}",
            f"fit, {EPOCHS} epochs, sgd, batch 1, {n:,} × {d:,}",
            partial(plain_sgd, n, d),
            {"SGDRegressor": (">=", bound)},
        )
        for (n, d), bound in SGD_SIZES.items()
    ),
    *(
        Work(
            f"adam-{dtype}",
            f"an epoch of Adam, batch 32, 500,000 × 50, {dtype}",
            partial(adam, dtype),
            {
                "X @ w": (">=", 1 / 2),
                "X @ w, one thread": (">=", 1 / 2),
                "torch": (">=", 100),
            },
            per=EPOCHS,
        )
        for dtype in ("float64", "float32")
    ),
    Work(
        "softmax",
        f"fit, {EPOCHS} epochs, softmax, 10 classes, batch 64, 200,000 × 50",
        softmax,
        {"SGDClassifier": (">=", 6)},
    ),
    Work(
        "csr",
        f"fit, {EPOCHS} epochs, log loss, batch 1, CSR 20,000 × 200,000, 100 a row",
        sparse_rows,
        {
            "SGDClassifier": (">=", 1),
            "skgd, average": ("<=", 2),
            "skgd, adagrad, l1": ("<=", 2),
            "skgd, adagrad, l2": ("<=", 2),
        },
    ),
    Work(
        "python-optimizer",
        f"fit, {EPOCHS} epochs, Adam, batch 256, 500,000 × 50",
        python_optimizer,
        {"Adam in Python": ("<=", 4)},
    ),
    Work(
        "threads",
        f"two fits in two threads, {EPOCHS} epochs, Adam, batch 32, 500,000 × 50",
        threads,
        {"one after the other": (">=", 1.5)},
    ),
    Work(
        "partial_fit",
        "partial_fit of one row, 10 features",
        one_row_partial_fit,
        {"SGDRegressor": (">=", 4)},
        per=CALLS,
    ),
    Work("predict", "predict of one row, 10 features", one_row_predict, per=CALLS),
]
"""What is timed in one process."""

FRESH = [
    Work(
        "import",
        "import in a fresh process",
        imports,
        {"sklearn.linear_model": (">=", 1 / 1.15)},
    ),
    Work(
        "first-fit",
        "first fit in a fresh process, 10 epochs of Adam, 500,000 × 50",
        first_fit,
        {"second fit": (">=", 0.8)},
    ),
    Work(
        "interrupt",
        "from Ctrl-C in an epoch of many seconds to KeyboardInterrupt",
        interrupt,
        {"half a second": (">=", 1)},
    ),
    *(
        Work(
            f"memory-{dtype}-{batch_size}",
            f"peak memory of fit beyond X, {optimizer}, batch {batch_size}, "
            f"2,000,000 × 50, {dtype}",
            partial(memory, dtype, optimizer, batch_size),
            {"X": (">=", 20)},
            unit="MB",
        )
        for dtype in ("float64", "float32")
        for optimizer, batch_size in (("adam", 32), ("sgd", 1))
        if sys.platform == "linux"
    ),
]
"""What is measured in fresh processes."""
