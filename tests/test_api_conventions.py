"""Walks everything public and checks the conventions that users rely on: signatures, annotations, docstrings.

Each test reports every violation at once. The last tests feed the checks functions that break them.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import reguloom
from reguloom._random import SeedLike, accepts_seed

MAX_POSITIONAL = 3
#: A matrix, the names of its two axes, and where it goes: none of the four has a default.
FOUR_BY_POSITION = {"io.write_rankings"}
#: Options that several functions share stand in this order, whatever stands between them.
HOUSE_ORDER = ("layer", "groupby", "mask_var", "device", "key_added", "rng", "n_jobs", "copy")
#: annotation of the first parameter → its name
FIRST_NAMES = {
    "AnnData": {"adata"},
    "Network": {"network"},
    "Regulons": {"regulons"},
    "Regulon": {"regulon"},
    "Expression": {"data"},
}
Section = dict[str, str]


@dataclass(frozen=True)
class Public:
    """One public function or method, under the name that users write."""

    name: str
    function: Callable[..., Any]
    owner: type | None = None

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """The parameters without ``self`` and ``cls``."""
        found = list(inspect.signature(self.function).parameters.values())
        return found[1:] if found and found[0].name in {"self", "cls"} else found

    @property
    def positional(self) -> list[inspect.Parameter]:
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return [one for one in self.parameters if one.kind in kinds]

    @property
    def returns(self) -> str:
        found = inspect.signature(self.function).return_annotation
        return "" if found is inspect.Signature.empty else str(found)

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.function) or ""


def modules() -> dict[str, Any]:
    """Return the public modules by name; the command line is none."""
    names = [one.name for one in pkgutil.iter_modules(reguloom.__path__) if not one.name.startswith("_")]
    return {name: importlib.import_module(f"reguloom.{name}") for name in names if name != "cli"}


def exported() -> Iterator[tuple[str, Any]]:
    """Yield every public name with what it stands for; re-exported names once."""
    seen: set[int] = set()
    for module_name, module in modules().items():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if id(value) not in seen and not inspect.ismodule(value):
                seen.add(id(value))
                yield f"{module_name}.{name}", value


def functions() -> list[Public]:
    """Return every public function."""
    return [Public(name, value) for name, value in exported() if inspect.isfunction(value)]


def classes() -> list[tuple[str, type]]:
    """Return every public class."""
    return [(name, value) for name, value in exported() if inspect.isclass(value)]


def methods() -> list[Public]:
    """Return every public method that reguloom defines."""
    found = []
    for class_name, owner in classes():
        for name, raw in inspect.getmembers_static(owner):
            plain = raw.__func__ if isinstance(raw, classmethod | staticmethod) else raw
            if isinstance(raw, property):
                plain = raw.fget
            ours = inspect.isfunction(plain) and plain.__module__.startswith("reguloom")
            if ours and not name.startswith("_"):
                found.append(Public(f"{class_name}.{name}", plain, owner))
    return found


# ------------------------------------------------------------------------------------------------------- the checks


def positional_parameters(one: Public) -> Iterator[str]:
    """At most three parameters may be given by position."""
    if len(one.positional) > MAX_POSITIONAL + (one.name in FOUR_BY_POSITION):
        names = [parameter.name for parameter in one.positional]
        yield f"{one.name}: {names} may be positional; {MAX_POSITIONAL} at most, so put a * after them"


def first_parameter(one: Public) -> Iterator[str]:
    """The first parameter is named after what it takes."""
    if not one.parameters:
        return
    first = one.parameters[0]
    annotation = str(first.annotation)
    wanted = FIRST_NAMES.get(annotation)
    if wanted is not None and first.name not in wanted:
        yield f"{one.name}: the first parameter is {first.name}: {annotation}; call it {' or '.join(sorted(wanted))}"
    if first.name == "adata" and annotation != "AnnData":
        yield f"{one.name}: adata is annotated {annotation}; it is AnnData, and `data` takes more than that"


def copy_option(one: Public) -> Iterator[str]:
    """What writes to AnnData has ``copy=False`` and returns ``AnnData | None``."""
    copy = next((parameter for parameter in one.parameters if parameter.name == "copy"), None)
    if copy is None:
        if one.returns == "AnnData | None":
            yield f"{one.name}: returns AnnData | None and has no copy option"
        return
    if copy.kind is not inspect.Parameter.KEYWORD_ONLY or copy.default is not False:
        yield f"{one.name}: copy is keyword-only and False by default"
    if one.returns != "AnnData | None":
        yield f"{one.name}: returns {one.returns}; a function with copy returns AnnData | None"
    if one.parameters[0].name != "adata":
        yield f"{one.name}: has copy, so its first parameter is adata"
    if not re.search(r"adata\.(obs|var|uns|obsm|varm|obsp|varp|layers)|(obs|var|uns|obsm|layers)\[", one.doc):
        yield f"{one.name}: the docstring does not list the slots that are written"


def seed_option(one: Public) -> Iterator[str]:
    """``rng`` is keyword-only, 0 by default, and goes by ``seed`` and ``random_state`` as well."""
    rng = next((parameter for parameter in one.parameters if parameter.name == "rng"), None)
    if rng is None:
        for alias in {"seed", "random_state"} & {parameter.name for parameter in one.parameters}:
            yield f"{one.name}: takes {alias}; call it rng and add @accepts_seed"
        return
    if rng.kind is not inspect.Parameter.KEYWORD_ONLY or rng.default != 0 or rng.default is False:
        yield f"{one.name}: rng is keyword-only and 0 by default"
    if str(rng.annotation) != "SeedLike":
        yield f"{one.name}: rng is annotated {rng.annotation}; it is SeedLike"
    if not hasattr(one.function, "__wrapped__"):
        yield f"{one.name}: lacks @accepts_seed, so seed= and random_state= do not work"


def keyword_order(one: Public) -> Iterator[str]:
    """Shared options stand in the order of the house."""
    names = [parameter.name for parameter in one.parameters if parameter.name in HOUSE_ORDER]
    if names != sorted(names, key=HOUSE_ORDER.index):
        yield f"{one.name}: options stand as {names}; the order of the house is {list(HOUSE_ORDER)}"


def annotations(one: Public) -> Iterator[str]:
    """Every parameter and the result are annotated."""
    bare = [parameter.name for parameter in one.parameters if parameter.annotation is inspect.Parameter.empty]
    if bare:
        yield f"{one.name}: {bare} lack annotations"
    if not one.returns:
        yield f"{one.name}: the result lacks an annotation"


def docstring(one: Public) -> Iterator[str]:
    """Every parameter is explained under its own name, without its type; so is the result."""
    if not one.doc:
        yield f"{one.name}: no docstring"
        return
    documented = parameter_names(one.doc)
    names = [parameter.name for parameter in one.parameters]
    missing = [name for name in names if name not in documented and not _told_in_passing(one, name)]
    if missing:
        yield f"{one.name}: the docstring does not explain {missing}"
    stray = [name for name in documented if name not in names]
    if stray:
        yield f"{one.name}: the docstring explains {stray}, which are no parameters"
    typed = re.findall(r"^(\w+) : ", section(one.doc, "Parameters"), flags=re.MULTILINE)
    if typed:
        yield f"{one.name}: the docstring gives types of {typed}; types stand in the annotations"
    returns = one.owner is None and one.returns not in {"", "None", "NoReturn"}
    told = re.match(r"Return|Yield|Make|Read|Tell|Say", one.doc) or any(
        section(one.doc, title) for title in ("Returns", "Yields", "Writes")
    )
    if returns and not told:
        yield f"{one.name}: the docstring does not say what is returned"


def _told_in_passing(one: Public, name: str) -> bool:
    """Tell whether a short method explains one of its two parameters, or a function its only one, as `name`."""
    return len(one.parameters) <= (1 if one.owner is None else 2) and f"`{name}`" in one.doc


def section(doc: str, title: str) -> str:
    """Return the text of one section of a numpydoc docstring."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", doc, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def parameter_names(doc: str) -> list[str]:
    """Return the names that a docstring's parameter sections explain; ``a, b`` explains two."""
    text = section(doc, "Parameters") + "\n" + section(doc, "Other Parameters")
    entries = re.findall(r"^(\S[^:\n]*?)(?: : .*)?$", text, flags=re.MULTILINE)
    return [name.strip().lstrip("*") for entry in entries for name in entry.split(",")]


FUNCTION_CHECKS = [positional_parameters, first_parameter, copy_option, seed_option, keyword_order]
CHECKS = [*FUNCTION_CHECKS, annotations, docstring]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(check: Callable[[Public], Iterator[str]]) -> None:
    broken = [found for one in functions() for found in check(one)]
    assert not broken, f"{check.__doc__}\n" + "\n".join(broken)


@pytest.mark.parametrize("check", [positional_parameters, keyword_order, annotations, docstring])
def test_methods(check: Callable[[Public], Iterator[str]]) -> None:
    broken = [found for one in methods() for found in check(one)]
    assert not broken, f"{check.__doc__}\n" + "\n".join(broken)


def test_classes_explain_how_they_are_made() -> None:
    """Records name each field in the class docstring; other classes each parameter of ``__init__``."""
    broken = []
    for name, owner in classes():
        if issubclass(owner, BaseException | enum.Enum) or getattr(owner, "_is_protocol", False):
            names = []
        elif dataclasses.is_dataclass(owner):
            names = [one.name for one in dataclasses.fields(owner) if one.init and not one.name.startswith("_")]
        else:
            made = Public(name, owner.__init__)
            broken += [*positional_parameters(made), *annotations(made)] if inspect.isfunction(owner.__init__) else []
            names = [one.name for one in made.parameters] if inspect.isfunction(owner.__init__) else []
        doc = inspect.getdoc(owner) or ""
        missing = [one for one in names if one not in parameter_names(doc)]
        if not doc or doc.startswith(f"{owner.__name__}("):
            broken.append(f"{name}: no docstring")
        elif missing:
            broken.append(f"{name}: the docstring does not explain {missing}")
    assert not broken, "\n".join(broken)


def test_every_module_lists_what_is_public() -> None:
    broken = []
    for name, module in modules().items():
        if not (module.__doc__ or "").strip():
            broken.append(f"{name}: no docstring")
        here = [key for key in vars(module) if not key.startswith("_") and not inspect.ismodule(vars(module)[key])]
        own = [key for key in here if getattr(vars(module)[key], "__module__", "").startswith("reguloom")]
        hidden = sorted(set(own) - set(getattr(module, "__all__", ())))
        if hidden:
            broken.append(f"{name}: {hidden} are not in __all__")
        if len(set(getattr(module, "__all__", ()))) != len(getattr(module, "__all__", ())):
            broken.append(f"{name}: __all__ names something twice")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("name", sorted(reguloom.__all__))
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(reguloom, name) is not None


def test_the_walk_finds_the_interface() -> None:
    names = {one.name for one in functions()}
    assert {"grn.infer", "cistarget.prune", "activity.aucell", "io.read", "pipeline.scenic"} <= names
    assert {"core.Network.to_csr", "core.Regulons.to_network"} <= {one.name for one in methods()}


# ------------------------------------------------------------------------------------------ the checks can be failed


def many(a: int, b: int, c: int, d: int) -> int:
    """Return something."""
    return a


def misnamed(table: AnnData) -> int:  # noqa: F821
    """Return something."""
    return 0


def narrow(adata: Expression) -> int:  # noqa: F821
    """Return something."""
    return 0


def eager(adata: AnnData, *, copy: bool = True) -> AnnData | None:  # noqa: F821
    """Write ``adata.obsm['x']``."""


def forgetful(adata: AnnData, *, copy: bool = False) -> AnnData | None:  # noqa: F821
    """Write somewhere."""


def random(data: object, *, rng: SeedLike = None) -> int:
    """Return something."""
    return 0


def aliased(data: object, *, seed: int = 0) -> int:
    """Return something."""
    return 0


def disordered(data: object, *, n_jobs: int = 1, layer: str | None = None) -> int:
    """Return something."""
    return 0


def bare(data) -> int:
    """Return something."""
    return 0


def unexplained(data: object, *, strength: float = 1.0) -> int:
    """Return something.

    Parameters
    ----------
    data
        The data.
    power
        Not there.
    """
    return 0


def typed(data: object) -> int:
    """Return something.

    Parameters
    ----------
    data : object
        The data.
    """
    return 0


def quiet(data: object) -> int:
    """Compute something.

    Parameters
    ----------
    data
        The data.
    """
    return 0


BROKEN = [
    (many, positional_parameters, 1),
    (misnamed, first_parameter, 1),
    (narrow, first_parameter, 2),
    (eager, copy_option, 1),
    (forgetful, copy_option, 1),
    (random, seed_option, 2),
    (aliased, seed_option, 1),
    (disordered, keyword_order, 1),
    (bare, annotations, 1),
    (unexplained, docstring, 2),
    (typed, docstring, 1),
    (quiet, docstring, 1),
]


@pytest.mark.parametrize(("function", "check", "n"), BROKEN, ids=lambda value: getattr(value, "__name__", str(value)))
def test_each_check_notices_what_breaks_it(function: Callable[..., Any], check: Callable[..., Any], n: int) -> None:
    assert len(list(check(Public(function.__name__, function)))) == n


@accepts_seed
def proper(
    adata: AnnData,  # noqa: F821
    *,
    layer: str | None = None,
    strength: float = 1.0,
    rng: SeedLike = 0,
    copy: bool = False,
) -> AnnData | None:  # noqa: F821
    """Score the cells.

    Parameters
    ----------
    adata
        The data.
    layer, strength
        How.
    rng
        Seed.
    copy
        Whether to return a copy.

    Returns
    -------
    Nothing, or the copy; ``adata.obs['score']`` is written, ``(n_cells,)``.
    """


def test_what_is_proper_passes() -> None:
    assert not [found for check in CHECKS for found in check(Public("proper", proper))]
