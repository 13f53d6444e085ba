"""Formulas as MathML, which browsers draw: no script, no font, nothing to fetch."""

import re

from docutils.nodes import SkipNode
from docutils.utils import math
from docutils.utils.math import latex2mathml, unichar2tex
from sphinx.util import logging

_logger = logging.getLogger(__name__)


def setup(app):
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(writer, node):
    writer.body.append(_as_mathml(node, as_block=False))
    raise SkipNode


def _block(writer, node):
    writer.body.append(
        f'<div class="formula">{_as_mathml(node, as_block=True)}</div>\n'
    )
    raise SkipNode


def _as_mathml(node, *, as_block):
    latex = node.astext().translate(unichar2tex.uni2tex_table)
    # docutils takes \tfrac12 for a numerator of 12, and sets the index of an accented
    # letter below it: braces say what is meant.
    latex = re.sub(r"frac(\d)(\d)", r"frac{\1}{\2}", latex)
    latex = re.sub(r"\\(hat|bar|tilde) ?(\w|\{\w\}|\\[a-z]+)", r"{{}\\\1 \2}", latex)
    try:
        mathml = latex2mathml.tex2mathml(latex, as_block=as_block)
    except math.MathError as error:
        _logger.warning("%s: %s", latex, error, location=node)
        return ""
    # Without a font for mathematics, browsers draw an accent through its letter, and
    # something set above it is above it.
    return mathml.replace('<mover accent="true">', "<mover>")
