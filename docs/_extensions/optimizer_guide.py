"""A directive that shows an optimizer: formula and paper, and its path on a map.

Formula and paper are those of the docstring.
``.. optimizer:: adam`` is the section of the guide for the optimizer of that name. One
that has no section is a warning, which ends the build.
"""

import inspect
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from skgd import OPTIMIZERS, minimize
from skgd.displays import TrajectoryDisplay

FOLDER = "generated/paths"
START = [-1.23, 1.57]
_logger = logging.getLogger(__name__)


def setup(app):
    app.add_directive("optimizer", OptimizerDirective)
    app.connect("builder-inited", _draw_all)
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class OptimizerDirective(SphinxDirective):
    """See the module."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        cls = OPTIMIZERS[name]
        explanation, paper = _from_docstring(cls)
        lines = [
            f".. image:: /{FOLDER}/{name}.png",
            f"   :alt: The path of {name}",
            "   :class: optimizer-path",
            "   :width: 300px",
            "",
            *explanation,
            "",
            f"Parameters and example: `skgd.optimizers.{cls.__name__}`.",
            "",
            *(["Source: " + " ".join(paper)] if paper else []),
        ]
        container = nodes.container(classes=["optimizer"])
        self.state.nested_parse(
            StringList(lines, source=f"docstring of {cls.__name__}"),
            self.content_offset,
            container,
        )
        return [container]


def _from_docstring(cls):
    """Return what stands before the parameters, and the references."""
    sections = {"": []}
    lines = inspect.getdoc(cls).splitlines()
    title = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if following and set(following) == {"-"}:
            title = line
            sections[title] = []
        elif not (line and set(line) == {"-"}):
            sections[title].append(line)
    paper = [line.strip() for line in sections.get("References", []) if line.strip()]
    return sections[""], paper


def _valley(x):
    return (1 - x[0]) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2


def _gradient(x):
    bend = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - 20 * x[0] * bend, 10 * bend])


def _draw_all(app):
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name in OPTIMIZERS:
        _draw(name, folder / f"{name}.png")


def _draw(name, file):
    """Draw sixty steps at the best of some rates, after those sixty."""
    settings = {"jac": _gradient, "optimizer": name, "max_iter": 60}
    rates = 10.0 ** np.arange(-3, 0.6, 0.5)
    results = [
        minimize(_valley, START, learning_rate=rate, **settings) for rate in rates
    ]
    best = int(np.argmin([result.fun for result in results]))
    fig, ax = plt.subplots(figsize=(4, 3.4), layout="constrained")
    TrajectoryDisplay.from_function(
        _valley, results[best], limits=[(-2, 2), (-1, 3)], n_points=60, ax=ax
    )
    ax.plot(1, 1, "k+", markersize=9)
    ax.set_title(f"{name}: 60 steps, rate {rates[best]:.2g}", fontsize=10)
    fig.savefig(file, dpi=120)
    plt.close(fig)


def _check(app, env):
    guide = Path(app.srcdir, "guide", "optimizers.rst").read_text(encoding="utf-8")
    for name in OPTIMIZERS:
        if f".. optimizer:: {name}\n" not in guide:
            _logger.warning("the optimizer %s has no section in the guide", name)
