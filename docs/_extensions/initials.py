"""The initial of an author at the start of a line is not the number of a list."""

import re


def setup(app):
    # Before numpydoc, which comes at 500.
    app.connect("autodoc-process-docstring", _escape, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def escape(line):
    return re.sub(r"^(\s*[A-Z])\. ", r"\1\\. ", line)


def _escape(app, what, name, obj, options, lines):
    lines[:] = [escape(line) for line in lines]
