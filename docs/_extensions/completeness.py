"""A warning, which ends the build, for a public name that the API does not document."""

import inspect
from importlib import import_module

from sphinx.util import logging

MODULES = (
    "skgd",
    "skgd.optimizers",
    "skgd.losses",
    "skgd.penalties",
    "skgd.schedules",
    "skgd.displays",
    "skgd.callbacks",
    "skgd.testing",
)
_logger = logging.getLogger(__name__)


def setup(app):
    app.connect("env-check-consistency", _check)
    app.connect("autodoc-skip-member", _skip_what_others_document)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _check(app, env):
    documented = env.get_domain("py").objects
    for name in _public_names():
        if name not in documented:
            _logger.warning("%s is public, and not in api.rst", name)


def _public_names():
    """Return what a module lists in ``__all__``, or its own classes and functions."""
    for module_name in MODULES:
        module = import_module(module_name)
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if (inspect.isclass(value) or inspect.isfunction(value))
            and value.__module__ == module_name
        ]
        yield from (f"{module_name}.{name}" for name in names if name[0] != "_")


def _skip_what_others_document(app, what, name, obj, skip, options):
    """Leave out the methods that come from scikit-learn."""
    module = getattr(obj, "__module__", None) or ""
    return True if module.startswith("sklearn") else None
