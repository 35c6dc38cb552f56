"""A contract for import-linter: these modules import the standard library, what they are allowed to, and no more.

import-linter can forbid packages by name; only a list of what is allowed also stops the one that nobody thought of.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class StdlibOnlyContract(Contract):
    """`modules` (with what is below them; `*` stands for one name) may import the standard library and `allowed`."""

    type_name: ClassVar[str] = "stdlib_only"

    modules = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        allowed: list[str] = self.allowed  # type: ignore[assignment] # a field's value, typed as the field
        found = [
            (importer, imported)
            for importer, own in sorted(self._members(graph).items())
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not _standard(imported) and not any(_within(imported, name) for name in [*allowed, own])
        ]
        details = [_where(graph, importer, imported) for importer, imported in found]
        return ContractCheck(kept=not found, metadata={"violations": details})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for violation in check.metadata["violations"]:
            output.print_error(violation)

    def _members(self, graph: ImportGraph) -> dict[str, str]:
        """Each module that the contract binds, and the package of its own that it may import from."""
        patterns: list[str] = self.modules  # type: ignore[assignment] # as above
        return {
            name: ".".join(name.split(".")[: len(pattern.split("."))])
            for pattern in patterns
            for name in graph.modules
            if _matches(name, pattern)
        }


def _standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _matches(module: str, pattern: str) -> bool:
    wanted, given = pattern.split("."), module.split(".")
    return len(given) >= len(wanted) and all(w in ("*", g) for w, g in zip(wanted, given, strict=False))


def _where(graph: ImportGraph, importer: str, imported: str) -> str:
    details: list[Any] = list(graph.get_import_details(importer=importer, imported=imported))
    lines = ", ".join(f"l.{detail['line_number']}" for detail in details)
    return f"{importer} imports {imported} ({lines}), which is neither standard library nor allowed."
