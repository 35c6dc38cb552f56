"""Request checks built from the installed SDK's own parameter types.

`stripe.params.PaymentIntentCreateParams` and its like say what Stripe's API takes. They are rebuilt here as strict
pydantic adapters: unknown, missing, mistyped and out-of-enumeration parameters are refused, in Stripe's words, so the
twin cannot accept what the SDK's version of the API would not.
"""

import sys
import types
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin

from annotated_types import MinLen
from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import get_type_hints, is_typeddict

from libs.devstack.stripe_twin.closed import closed_mapping
from libs.devstack.stripe_twin.errors import StripeRefusal, invalid

_UNION_ORIGINS = (Union, types.UnionType)
_METADATA_KEYS_MOST, _METADATA_KEY_LENGTH_MOST, _METADATA_VALUE_LENGTH_MOST = 50, 40, 500
_TRANSPORT_FIELDS = frozenset(RequestOptions.__annotations__)


def check(params_type: type, form: dict[str, Any]) -> dict[str, Any]:
    """Return `form` with numbers, booleans and lists in place of text, or raise Stripe's refusal of it."""
    try:
        checked: dict[str, Any] = adapter(params_type).validate_python(form)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False), form) from None
    if isinstance(metadata := checked.get("metadata"), dict):
        _check_metadata(metadata)
    return checked


@cache
def adapter(params_type: type) -> TypeAdapter[Any]:
    """Build the strict adapter of one `stripe.params` type (milliseconds each, once per process)."""
    return TypeAdapter(_mapping(params_type))


@cache
def _mapping(params_type: type) -> Any:
    """The same TypedDict without the SDK's transport options, closed to unknown keys."""
    namespace = vars(sys.modules[params_type.__module__])
    wanted = {name: kind for name, kind in params_type.__annotations__.items() if name not in _TRANSPORT_FIELDS}
    holder = type(params_type.__name__, (), {"__annotations__": wanted})
    fields = {
        name: NotRequired[_strict(get_args(kind)[0])] if _optional(kind) else _strict(kind)
        for name, kind in get_type_hints(holder, globalns=namespace, include_extras=True).items()
    }
    return closed_mapping(params_type.__name__, fields, strict=False)


def _check_metadata(metadata: Mapping[str, str]) -> None:
    """Limits of https://docs.stripe.com/api/metadata, which the types do not tell."""
    if len(metadata) > _METADATA_KEYS_MOST:
        raise invalid(f"Metadata can have up to {_METADATA_KEYS_MOST} keys.", param="metadata")
    for key, value in metadata.items():
        if len(key) > _METADATA_KEY_LENGTH_MOST:
            message = f"Metadata keys can have up to {_METADATA_KEY_LENGTH_MOST} characters; {key!r} has {len(key)}."
            raise invalid(message, param=f"metadata[{key}]")
        if len(value) > _METADATA_VALUE_LENGTH_MOST:
            message = (
                f"Metadata values can have up to {_METADATA_VALUE_LENGTH_MOST} characters; {key!r} has {len(value)}."
            )
            raise invalid(message, param=f"metadata[{key}]")


def _optional(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is NotRequired


def _strict(kind: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in _UNION_ORIGINS:
        return _union(arguments)
    if origin is list:
        return Annotated[list[_strict(arguments[0])], BeforeValidator(_numbered_to_list)]  # type: ignore[misc]
    if origin is dict:
        # an empty value unsets a key of a mapping, so the text inside may be empty
        inner = str if arguments[1] is str else _strict(arguments[1])
        return dict[str, inner]  # type: ignore[valid-type]
    if isinstance(kind, type) and is_typeddict(kind):
        return _mapping(kind)
    return _LEAVES.get(kind, kind)


def _union(members: tuple[Any, ...]) -> Any:
    """Close an enumeration, and drop what nobody can send.

    The SDK writes `Literal[...] | str` to stay open to newer API versions, where Stripe at this version is closed, and
    it writes mappings a second time as `UntypedStripeObject`.
    """
    closed = any(get_origin(member) is Literal and any(get_args(member)) for member in members)
    kept = [
        _strict(member)
        for member in members
        if get_origin(member) is not UntypedStripeObject and not (closed and member is str)
    ]
    return Union[tuple(kept)]  # noqa: UP007  built from a list at run time


def _integer(value: Any) -> Any:
    if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        return int(value)
    raise PydanticCustomError("parameter_invalid_integer", "Invalid integer: {text}", {"text": str(value)})


def _boolean(value: Any) -> Any:
    if value in ("true", "false"):
        return value == "true"
    raise PydanticCustomError("parameter_invalid_boolean", "Invalid boolean: {text}", {"text": str(value)})


def _numbered_to_list(value: Any) -> Any:
    if isinstance(value, dict) and all(key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value


_LEAVES: Mapping[Any, Any] = {
    int: Annotated[int, BeforeValidator(_integer)],
    bool: Annotated[bool, BeforeValidator(_boolean)],
    str: Annotated[str, MinLen(1)],
}


def _refusal(errors: list[ErrorDetails], form: dict[str, Any]) -> StripeRefusal:
    """Choose one complaint, as Stripe reports one problem at a time.

    In a union every branch complains: meant is the deepest complaint, then the one of the branch that has the fewest,
    and among equals the last, since the SDK puts the plain value behind the mapping.
    """
    complaints = Counter(error["loc"][:-1] for error in errors)
    candidates = [(error, _path(error, form)) for error in reversed(errors)]
    error, path = max(candidates, key=lambda candidate: (len(candidate[1]), -complaints[candidate[0]["loc"][:-1]]))
    param = path[0] + "".join(f"[{step}]" for step in path[1:])
    match error["type"]:
        case "extra_forbidden":
            return invalid(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")
        case "missing":
            return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")
        case "string_too_short" | "too_short":
            message = (
                f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{param}' cannot be unset. You should remove '{param}' from your request or "
                "supply a non-empty value."
            )
            return invalid(message, param=param, code="parameter_invalid_empty")
        case "literal_error":
            return invalid(f"Invalid {param}: must be one of {error['ctx']['expected']}", param=param)
        case "parameter_invalid_integer" | "parameter_invalid_boolean":
            return invalid(error["msg"], param=param, code=error["type"])
        case _:
            return invalid(f"Invalid {param}: {error['msg']}", param=param)


def _path(error: ErrorDetails, form: dict[str, Any]) -> list[str]:
    """Pydantic's location holds the names of union branches too; only what leads through the form is a parameter."""
    path: list[str] = []
    node: Any = form
    for step in error["loc"]:
        key = str(step)
        if isinstance(node, dict) and key in node:
            path.append(key)
            node = node[key]
    if error["type"] == "missing" or not path:
        path.append(str(error["loc"][-1]))
    return path
