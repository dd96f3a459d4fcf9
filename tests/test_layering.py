"""The house rules, read off the syntax tree: who may import whom, what is banned, how long files and functions are.

Imports inside functions count as well as those at the top of a file. The last tests build small trees that break
each rule, so that a rule that finds nothing any more is noticed.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "reguloom"
SOURCE = Path(__file__).resolve().parents[1] / "src" / PACKAGE

DOMAINS = {"grn", "cistarget", "activity", "oracle", "vectorfield", "response", "mechanistic", "temporal"}
SERVICES = {"io", "resources", "motifs", "manifold", "evaluate", "pl", "datasets"}
TOP = {"pipeline", "report", "cli"}
#: What an area may import of the package, besides the helpers, core and itself. A simulated world is written to files
#: with `io`, and made by `mechanistic`.
ALLOWED = {
    **dict.fromkeys(SERVICES - {"datasets"}, set()),
    "datasets": {"io", "mechanistic"},
    **dict.fromkeys(DOMAINS, SERVICES | {"_torch"}),
    "_torch": set(),
    "pipeline": DOMAINS | SERVICES | {"_torch", "report"},
    "report": DOMAINS | SERVICES | {"_torch", "pipeline"},
    "cli": DOMAINS | SERVICES | TOP | {"_torch"},
}
ARRAYS = {"numpy", "scipy", "pandas"}
#: The one file that is the door to a package which the other helpers must not import.
DOORS = {"_numba.py": {"numba"}, "_progress.py": {"rich"}}
#: A class of figure can only be made where matplotlib is at hand; it is imported when something is drawn.
DRAWING_BOARD = "reguloom.pl._figure"
NEVER = {"scanpy", "igraph", "leidenalg", "loompy", "pyscenic", "arboreto", "ctxcore"}
TORCH = {"torch", "safetensors", "lightning"}
ANNDATA_DOORS = {"to_adata", "from_adata", "to_anndata", "from_anndata"}

MAX_FILE, MEDIAN_FILE = 600, 180
MAX_FUNCTION, MEDIAN_FUNCTION, P90_FUNCTION = 80, 15, 45


@dataclass(frozen=True)
class Import:
    """One imported module: where, and whether at run time, inside which function."""

    module: str
    line: int
    typing_only: bool
    function: str | None

    @property
    def root(self) -> str:
        return self.module.split(".")[0]

    @property
    def area(self) -> str:
        """The part of the package that is imported: ``grn``, ``core``, ``_errors`` ..., or ``""`` for the package."""
        return (self.module.split(".") + [""])[1]


@dataclass(frozen=True)
class Source:
    """A parsed file and its place in the package."""

    path: Path
    relative: Path
    text: str
    tree: ast.Module

    @property
    def area(self) -> str:
        return self.relative.parts[0] if len(self.relative.parts) > 1 else self.relative.stem

    @property
    def module(self) -> str:
        return ".".join([PACKAGE, *self.relative.with_suffix("").parts])

    @property
    def is_kernel(self) -> bool:
        return self.relative.stem.endswith("_kernels")

    def at(self, line: int, why: str) -> str:
        return f"{self.relative}:{line} {why}"

    def imports(self) -> list[Import]:
        return list(_imports(self.tree, self.relative, typing_only=False, function=None))


def _imports(node: ast.AST, relative: Path, *, typing_only: bool, function: str | None) -> Iterator[Import]:
    """Yield every import below `node`, calls of ``import_module("...")`` included."""
    for module in _modules(node, relative):
        yield Import(module, getattr(node, "lineno", 0), typing_only, function)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        function = function or node.name
    for name, value in ast.iter_fields(node):
        guarded = typing_only or (isinstance(node, ast.If) and name == "body" and _is_type_checking(node.test))
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _imports(child, relative, typing_only=guarded, function=function)


def _modules(node: ast.AST, relative: Path) -> list[str]:
    """Return the dotted names that one node imports; of the package, the name after ``from`` is a module too."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            folder = [PACKAGE, *relative.parts[:-1]]
            base = ".".join([*folder[: len(folder) - node.level + 1], *filter(None, [node.module])])
        return [f"{base}.{alias.name}" if base == PACKAGE else base for alias in node.names]
    if isinstance(node, ast.Call) and _called(node) in {"import_module", "import_optional", "__import__"}:
        return [one.value for one in node.args[:1] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return []


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _called(node: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    return ast.unparse(node.func).rsplit(".", 1)[-1]


def read(folder: Path) -> list[Source]:
    """Parse every file of a package."""
    made = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        made.append(Source(path, path.relative_to(folder), text, ast.parse(text, str(path))))
    return made


# ------------------------------------------------------------------------------------------------- who imports whom


def helpers_and_core_are_light(source: Source) -> Iterator[str]:
    """Rule 1: numpy, scipy and pandas; AnnData for type checking, or where it is converted to."""
    helper = len(source.relative.parts) == 1
    if not (helper or source.area == "core") or source.is_kernel:
        return
    for one in source.imports():
        if one.root == PACKAGE:
            below = one.area.startswith("_") or (one.area == "core" and source.area == "core")
            if not below and not one.typing_only and one.module != PACKAGE:
                yield source.at(one.line, f"imports {one.module}, which lies above it")
        elif one.root == "anndata":
            if not one.typing_only and one.function not in ANNDATA_DOORS:
                yield source.at(one.line, "imports anndata outside TYPE_CHECKING and to_adata")
        elif _is_foreign(one, ARRAYS | DOORS.get(source.relative.name, set())):
            yield source.at(one.line, f"imports {one.root}; helpers and core use {sorted(ARRAYS)} alone")


def kernels_take_arrays(source: Source) -> Iterator[str]:
    """Rule 2: numpy and ``_numba``, and kernels beside them."""
    if not source.is_kernel:
        return
    for one in source.imports():
        if one.root == PACKAGE:
            beside = one.area == source.area and one.module.endswith("_kernels")
            if one.area != "_numba" and not beside:
                yield source.at(one.line, f"a kernel imports {one.module}")
        elif _is_foreign(one, {"numpy"}):
            yield source.at(one.line, f"a kernel imports {one.root}")


def areas_keep_apart(source: Source) -> Iterator[str]:
    """Rules 3 to 5: services import what is below, domains never each other, nothing imports the command line."""
    if len(source.relative.parts) == 1 or source.area == "core":
        return
    if source.area not in ALLOWED:
        yield source.at(1, f"{source.area} is no area of the house; add it to this test and to the design")
        return
    for one in source.imports():
        if one.root != PACKAGE or one.area in {source.area, "core", ""}:
            continue
        helper = one.area.startswith("_") and one.area != "_torch"
        noun = one.area[0].isupper()
        if not helper and not noun and one.area not in ALLOWED[source.area]:
            yield source.at(one.line, f"{source.area} imports {one.area}; they meet in the nouns of core")


def heavy_packages_stay_in_their_place(source: Source) -> Iterator[str]:
    """Rules 4 and 6: torch below ``_torch``, scanpy nowhere, matplotlib inside functions, numba through ``_numba``."""
    for one in source.imports():
        if one.root in NEVER:
            yield source.at(one.line, f"imports {one.root}, which reguloom never does")
        if one.root in TORCH and "_torch" not in source.relative.parts[:-1] and not one.typing_only:
            yield source.at(one.line, f"imports {one.root} outside a folder named _torch")
        # `reguloom doctor` shows its version.
        if one.root == "numba" and source.relative.name != "_numba.py" and source.area != "cli":
            yield source.at(one.line, "imports numba; use reguloom._numba")
        drawing = one.root == "matplotlib" and source.module != DRAWING_BOARD
        if (drawing or one.module == DRAWING_BOARD) and one.function is None and not one.typing_only:
            yield source.at(one.line, "imports matplotlib at module level")
        if one.root == "matplotlib" and source.area in DOMAINS | {"core", "io"}:
            yield source.at(one.line, "draws; figures are made in pl")


def commands_import_lazily(source: Source) -> Iterator[str]:
    """Rule 5: at module level a command imports click, the helpers and the frame of the command line."""
    if source.area != "cli":
        return
    for one in source.imports():
        if one.function is not None or one.typing_only:
            continue
        light = one.root == PACKAGE and (one.area.startswith("_") or one.area in {"cli", ""})
        if not light and _is_foreign(one, {"click", "rich_click"}):
            yield source.at(one.line, f"imports {one.module} at module level; move it into the function")


def _is_foreign(one: Import, allowed: set[str]) -> bool:
    return one.root not in sys.stdlib_module_names and one.root not in allowed


# ------------------------------------------------------------------------------------------------------ what is banned


def no_banned_statements(source: Source) -> Iterator[str]:
    """No assert, no broad except, no print, no basicConfig, no global warning filter, no show()."""
    inside_catch = {id(inner) for node in _catchers(source.tree) for inner in ast.walk(node)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assert):
            yield source.at(node.lineno, "uses assert, which vanishes under -O; raise from _errors")
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            yield source.at(node.lineno, "catches everything; name the exceptions")
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "print":
                yield source.at(node.lineno, "prints; use the logger, or click.echo in a command")
            if name.endswith("basicConfig"):
                yield source.at(node.lineno, "configures logging for the whole process")
            if name.endswith(("filterwarnings", "simplefilter")) and id(node) not in inside_catch:
                yield source.at(node.lineno, "filters warnings for the whole process")
            if name in {"plt.show", "pyplot.show", "figure.show", "fig.show"}:
                yield source.at(node.lineno, "shows a figure; return it")


def _catchers(tree: ast.AST) -> list[ast.With]:
    """Return the ``with warnings.catch_warnings()`` blocks."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.With)]
    return [node for node in blocks if any("catch_warnings" in ast.unparse(item) for item in node.items)]


def _is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or ast.unparse(name) in {"Exception", "BaseException"} for name in names)


def text_is_tidy(source: Source) -> Iterator[str]:
    """No notes to self, postponed annotations everywhere, a docstring on top, nothing too long."""
    lines = source.text.splitlines()
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield source.at(number, "leaves a note to self")
    if lines and ast.get_docstring(source.tree) is None:
        yield source.at(1, "has no docstring")
    if any(True for _ in functions(source.tree)) and "from __future__ import annotations" not in lines:
        yield source.at(1, "lacks `from __future__ import annotations`")
    if len(lines) > MAX_FILE:
        yield source.at(1, f"has {len(lines)} lines; {MAX_FILE} is the most")
    for function in functions(source.tree):
        if length(function) > MAX_FUNCTION:
            yield source.at(
                function.lineno, f"{function.name} has {length(function)} lines; {MAX_FUNCTION} is the most"
            )


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines from ``def`` to the end, the docstring left out: explaining is not discouraged."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = first.end_lineno - first.lineno + 1 if documented else 0
    return function.end_lineno - function.lineno + 1 - docstring


RULES: list[Callable[[Source], Iterator[str]]] = [
    helpers_and_core_are_light,
    kernels_take_arrays,
    areas_keep_apart,
    heavy_packages_stay_in_their_place,
    commands_import_lazily,
    no_banned_statements,
    text_is_tidy,
]


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return read(SOURCE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_house_rule(rule: Callable[[Source], Iterator[str]], sources: list[Source]) -> None:
    broken = [found for source in sources for found in rule(source)]
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


def test_files_and_functions_are_short(sources: list[Source]) -> None:
    files = [len(source.text.splitlines()) for source in sources if source.relative.name != "__init__.py"]
    spans = sorted(length(function) for source in sources for function in functions(source.tree))
    assert statistics.median(files) < MEDIAN_FILE
    assert statistics.median(spans) <= MEDIAN_FUNCTION
    assert spans[int(0.9 * len(spans))] <= P90_FUNCTION


def test_the_tree_is_found(sources: list[Source]) -> None:
    areas = {source.area for source in sources}
    assert {"core", "io", "grn", "cistarget", "activity", "pl", "cli"} <= areas


# ------------------------------------------------------------------------------------------- the rules can be broken

HEAD = '"""A file."""\n\nfrom __future__ import annotations\n\n'
LONG = "def f() -> None:\n" + "".join(f"    a{i} = {i}\n" for i in range(90))
BROKEN = [
    ("core/network.py", "from reguloom import io", helpers_and_core_are_light),
    ("core/network.py", "def f():\n    from reguloom.grn import infer", helpers_and_core_are_light),
    ("core/network.py", "import sklearn.tree", helpers_and_core_are_light),
    ("core/network.py", "def f():\n    import anndata", helpers_and_core_are_light),
    ("core/network.py", "from ..io import read", helpers_and_core_are_light),
    ("_helper.py", "import anndata", helpers_and_core_are_light),
    ("_helper.py", "import rich", helpers_and_core_are_light),
    ("__init__.py", "from reguloom import grn", helpers_and_core_are_light),
    ("grn/_kernels.py", "import pandas", kernels_take_arrays),
    ("grn/_kernels.py", "from reguloom._errors import InputError", kernels_take_arrays),
    ("grn/_kernels.py", "from reguloom.activity._kernels import sort", kernels_take_arrays),
    ("grn/infer.py", "from reguloom.cistarget import prune", areas_keep_apart),
    ("grn/infer.py", "def f():\n    from reguloom import activity", areas_keep_apart),
    ("grn/infer.py", "from ..activity import aucell", areas_keep_apart),
    ("grn/infer.py", "import importlib\nimportlib.import_module('reguloom.activity')", areas_keep_apart),
    ("grn/infer.py", "if TYPE_CHECKING:\n    from reguloom.activity import aucell", areas_keep_apart),
    ("grn/infer.py", "from reguloom.cli.app import main", areas_keep_apart),
    ("pl/rss.py", "from reguloom.activity import specificity", areas_keep_apart),
    ("io/matrix.py", "from reguloom.resources import fetch", areas_keep_apart),
    ("attic/old.py", "import numpy", areas_keep_apart),
    ("response/gears.py", "import torch", heavy_packages_stay_in_their_place),
    ("response/gears.py", "def f():\n    import_optional('torch', extra='deep')", heavy_packages_stay_in_their_place),
    ("pl/rss.py", "import scanpy", heavy_packages_stay_in_their_place),
    ("pl/rss.py", "import matplotlib.pyplot as plt", heavy_packages_stay_in_their_place),
    ("pl/rss.py", "from reguloom.pl._figure import HouseFigure", heavy_packages_stay_in_their_place),
    ("grn/infer.py", "from numba import njit", heavy_packages_stay_in_their_place),
    ("grn/infer.py", "def f():\n    import matplotlib", heavy_packages_stay_in_their_place),
    ("cli/grn.py", "import numpy", commands_import_lazily),
    ("cli/grn.py", "from reguloom.grn import infer", commands_import_lazily),
    ("grn/infer.py", "assert True", no_banned_statements),
    ("grn/infer.py", "try:\n    pass\nexcept (ValueError, Exception):\n    pass", no_banned_statements),
    ("grn/infer.py", "try:\n    pass\nexcept:\n    pass", no_banned_statements),
    ("cli/grn.py", "print(1)", no_banned_statements),
    ("grn/infer.py", "logging.basicConfig()", no_banned_statements),
    ("grn/infer.py", "warnings.filterwarnings('ignore')", no_banned_statements),
    ("pl/rss.py", "plt.show()", no_banned_statements),
    ("grn/infer.py", "# TO" + "DO later", text_is_tidy),
    ("grn/infer.py", LONG, text_is_tidy),
    ("grn/infer.py", "a = 1\n" * 601, text_is_tidy),
]
FINE = [
    ("core/prediction.py", "if TYPE_CHECKING:\n    from anndata import AnnData"),
    ("core/prediction.py", "def to_anndata() -> None:\n    from anndata import AnnData"),
    ("grn/_kernels.py", "import numpy as np\nfrom reguloom._numba import njit"),
    ("grn/infer.py", "from reguloom import io\nfrom reguloom.core import Network\nimport sklearn"),
    ("grn/infer.py", "from reguloom import Network"),
    ("pl/_figure.py", "from matplotlib.figure import Figure"),
    ("response/_torch/trainer.py", "import torch"),
    ("pl/rss.py", "def f() -> None:\n    import matplotlib.pyplot as plt"),
    ("cli/grn.py", "import rich_click\n\ndef f() -> None:\n    from reguloom import grn"),
    ("grn/infer.py", "with warnings.catch_warnings():\n    warnings.simplefilter('ignore')"),
]


def build(folder: Path, name: str, code: str) -> list[Source]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + code + "\n")
    return read(folder)


@pytest.mark.parametrize(("name", "code", "rule"), BROKEN)
def test_each_rule_notices_what_breaks_it(
    tmp_path: Path, name: str, code: str, rule: Callable[[Source], Iterator[str]]
) -> None:
    (source,) = build(tmp_path, name, code)
    assert list(rule(source))


@pytest.mark.parametrize(("name", "code"), FINE)
def test_what_is_allowed_passes(tmp_path: Path, name: str, code: str) -> None:
    (source,) = build(tmp_path, name, code)
    assert not [found for rule in RULES for found in rule(source)]
