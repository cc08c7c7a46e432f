"""The house keeps its one direction: what stands lower never knows what stands above it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the ground up. Modules that stand directly in newsletter/ are listed by name.
FLOORS = [
    {"subscribers"},
    {"newsletter.errors", "newsletter.languages", "newsletter.settings"},
    {"newsletter.appeals"},
    {"newsletter.editions"},
    {"newsletter.delivery"},
    {"newsletter.returns"},
    {"newsletter.operations"},
    {"newsletter.wiring"},
    {"newsletter.cli", "newsletter.web", "newsletter.demo"},
    {"newsletter.__main__"},
]
# Entry points may use one another where one starts the other.
BESIDE = {
    ("newsletter.cli", "newsletter.web"),
    ("newsletter.cli", "newsletter.demo"),
    ("newsletter.demo", "newsletter.web"),
}


def test_imports_lead_downwards_only():
    wrong = []
    for path, module in _modules():
        floor = _floor(module)
        for imported in _imports(path):
            target = _floor(imported)
            room, other = _room(module), _room(imported)
            if target > floor or (target == floor and room != other and (room, other) not in BESIDE and floor != 1):
                wrong.append(f"{module} imports {imported}")
    assert wrong == []


def test_every_module_has_its_floor():
    for _path, module in _modules():
        assert _floor(module) >= 0


@pytest.mark.parametrize("sentence", ["import newsletter.errors", "from newsletter.errors import NewsletterError"])
def test_an_import_that_leads_upwards_would_be_seen(tmp_path, sentence):
    (tmp_path / "x.py").write_text(sentence)
    (imported,) = _imports(tmp_path / "x.py")
    assert _floor(imported) > _floor("subscribers.model")


def test_no_file_is_a_drawer_for_anything():
    names = {path.stem for path, _module in _modules()}
    assert names.isdisjoint({"utils", "util", "helpers", "helper", "manager", "service", "services", "common", "misc"})


def _modules():
    for package in ("newsletter", "subscribers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        else:
            continue
        yield from (name for name in names if name.startswith(("newsletter.", "subscribers")))


def _room(module):
    return ".".join(module.split(".")[:2]) if module.startswith("newsletter.") else module.split(".")[0]


def _floor(module):
    if module == "newsletter":  # holds the version alone
        return 0
    for number, rooms in enumerate(FLOORS):
        if _room(module) in rooms:
            return number
    message = f"{module} stands on no floor"
    raise AssertionError(message)
