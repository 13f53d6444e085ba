"""The floors of CONTRIBUTING.md hold every module, and imports go down only."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (\d) \| ((?:`[\w/]+(?:\.py)?`(?:, )?)+) \|", re.MULTILINE)


def floors():
    """Return the floor of each module or folder of the package, by its name."""
    rows = ROW.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    return {
        name.strip("/").removesuffix(".py"): int(floor)
        for floor, names in rows
        for name in re.findall(r"`([^`]+)`", names)
    }


def imported_modules(path):
    """Return the names of the package's modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            if node.module:
                yield node.module.split(".")[0]
            else:
                yield from (alias.name for alias in node.names)


def test_every_module_has_a_floor():
    parts = {path.stem for path in (ROOT / "skgd").glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in (ROOT / "skgd").glob("*/__init__.py")}
    assert floors().keys() == parts | folders


def test_imports_go_down_only():
    floor = floors()
    upward = [
        (path.stem, name)
        for path in (ROOT / "skgd").glob("*.py")
        if path.stem != "__init__"
        for name in imported_modules(path)
        if floor[name] > floor[path.stem]
    ]
    assert upward == []
