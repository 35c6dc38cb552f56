"""Answer checks built from the installed SDK's resource types, so the twin cannot say what the SDK does not declare."""

import ast
import importlib
import inspect
import sys
import types
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, NotRequired, Union, get_args, get_origin

import stripe
from pydantic import AfterValidator, TypeAdapter, ValidationError
from stripe._object_classes import get_object_class
from stripe._stripe_object import StripeObject, UntypedStripeObject
from typing_extensions import get_type_hints

from libs.devstack.stripe_twin.closed import closed_mapping

_UNION_ORIGINS = (Union, types.UnionType)
_ALWAYS = frozenset({"id", "object"})


class WrongShapeError(AssertionError):
    """The twin was about to send what the SDK's types do not describe: a bug of the twin."""


def check_answer(answer: Mapping[str, Any]) -> None:
    """Raise WrongShapeError unless every property is declared, typed and, where it must be, present."""
    try:
        if "object" not in answer:  # resources may have an `error`, too
            _ERROR.validate_python(answer)
        elif answer["object"] in ("list", "search_result"):
            for item in answer["data"]:
                check_answer(item)
        else:
            resource(answer["object"], deleted="deleted" in answer).validate_python(answer)
    except ValidationError as error:
        raise WrongShapeError(f"{answer.get('object', 'error')} {answer.get('id', '')}: {error}") from None


def resource(object_name: str, *, deleted: bool = False) -> TypeAdapter[Any]:
    kind: Any = get_object_class("V1", object_name)
    if kind is StripeObject:
        raise WrongShapeError(f"The SDK knows no resource named {object_name!r}.")
    return _adapter(kind, deleted)


@cache
def _adapter(kind: Any, deleted: bool) -> TypeAdapter[Any]:
    return TypeAdapter(_mapping(kind, deleted=deleted))


def _mapping(kind: type, *, deleted: bool) -> Any:
    """A closed mapping of what the SDK declares. The SDK writes "may be null" and "may be absent" the same way.

    Of a deleted object there is only what tells which one it was; the SDK declares it as the whole object.
    """
    # own annotations only: resources are flat, and what they inherit is the SDK's machinery
    holder = type(kind.__name__, (), {"__annotations__": vars(kind).get("__annotations__", {})})
    hints = get_type_hints(holder, globalns=vars(sys.modules[kind.__module__]), localns=_Names(kind))
    fields = {}
    for name, hint in hints.items():
        if name.startswith("_") or name == "OBJECT_NAME" or ClassVar in (hint, get_origin(hint)):
            continue
        optional = name not in _ALWAYS if deleted else type(None) in get_args(hint)
        fields[name.rstrip("_")] = NotRequired[_strict(hint)] if optional else _strict(hint)
    return closed_mapping(kind.__qualname__, fields, strict=True)


class _Names(dict[str, Any]):
    """What an annotation may name beside its module's globals: nested classes, and imports for type checkers only."""

    def __init__(self, kind: type) -> None:
        super().__init__((name, value) for name, value in vars(kind).items() if isinstance(value, type))
        self._imports = _imports(kind.__module__)

    def __missing__(self, name: str) -> Any:
        module, original = self._imports[name]
        return getattr(importlib.import_module(module), original)


@cache
def _imports(module_name: str) -> Mapping[str, tuple[str, str]]:
    """Every `from module import original as name` of a module, those under TYPE_CHECKING included."""
    tree = ast.parse(inspect.getsource(sys.modules[module_name]))
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {
        alias.asname or alias.name: (str(statement.module), alias.name)
        for statement in statements
        for alias in statement.names
    }


def _strict(hint: Any) -> Any:  # noqa: PLR0911  one line per kind of annotation the SDK uses
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNION_ORIGINS:
        return Union[tuple(_strict(member) for member in arguments)]  # noqa: UP007  built from a list at run time
    if origin is list:
        return list[_strict(arguments[0])]  # type: ignore[misc]
    if origin is dict:
        return dict[str, _strict(arguments[1])]  # type: ignore[misc]
    if origin is UntypedStripeObject or hint is UntypedStripeObject:
        return dict[str, _strict(arguments[0]) if arguments else Any]  # type: ignore[misc]
    if origin is stripe.ListObject:
        return _page_of(arguments[0])
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        return Annotated[dict[str, Any], AfterValidator(_lazily(hint))]
    if hint is Decimal:
        return str  # so it travels
    return hint


def _lazily(kind: type) -> Any:
    """Nested objects are looked at when met: the declared types run in circles through the whole API."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        _adapter(kind, "deleted" in value).validate_python(value)
        return value

    return check


def _page_of(kind: Any) -> Any:
    fields = {"object": str, "data": list[_strict(kind)], "has_more": bool, "url": str}  # type: ignore[misc]
    return closed_mapping("Page", fields, strict=True)


_ERROR = TypeAdapter(closed_mapping("Error", {"error": _strict(stripe.ErrorObject)}, strict=True))
