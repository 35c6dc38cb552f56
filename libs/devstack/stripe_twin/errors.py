"""Stripe's error vocabulary: one exception, and a constructor for every refusal that the twin knows.

Types, codes and HTTP statuses are those of https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes;
the SDK chooses its exception class by status, then by `type`.
"""

from typing import Any, Literal


class StripeRefusal(Exception):
    """A refusal in Stripe's own form, raised by any call and turned into the response body by the wire."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        extra: dict[str, Any] | None = None,
        limit: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.kind = kind
        self.param = param
        self.decline_code = decline_code
        self.extra = extra or {}
        self.limit = limit
        """Which of Stripe's limiters refused, if one did."""

    @property
    def headers(self) -> dict[str, str]:
        """What tells the SDK to try again by itself: held locks pass, unlike rate limits and errors."""
        again = {"stripe-should-retry": "true"} if self.code in ("lock_timeout", "idempotency_key_in_use") else {}
        return again | ({"stripe-rate-limited-reason": self.limit} if self.limit else {})

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        for name in ("code", "param", "decline_code"):
            if (value := getattr(self, name)) is not None:
                error[name] = value
        return {"error": error | self.extra}


def invalid(
    message: str, *, param: str | None = None, code: str | None = None, extra: dict[str, Any] | None = None
) -> StripeRefusal:
    return StripeRefusal(400, "invalid_request_error", message, code=code, param=param, extra=extra)


def missing(kind: str, object_id: str, param: str) -> StripeRefusal:
    """An id that is unknown in the scope of the request: one of another account's is unknown too."""
    message = f"No such {kind}: '{object_id}'"
    return StripeRefusal(404, "invalid_request_error", message, code="resource_missing", param=param)


def unmodelled(what: str, param: str | None = None) -> StripeRefusal:
    """Stripe allows it and the twin does not act it out: ignoring it would look like success, so it is refused."""
    message = f"The Stripe twin does not model {what}. Stripe does; leave it out, or teach it to the twin."
    return invalid(message, param=param, code="twin_unmodelled")


def insufficient_balance(message: str) -> StripeRefusal:
    return invalid(message, code="balance_insufficient")


def unauthorized(message: str) -> StripeRefusal:
    return StripeRefusal(401, "invalid_request_error", message)


def forbidden(message: str, code: str | None = None) -> StripeRefusal:
    return StripeRefusal(403, "invalid_request_error", message, code=code)


def idempotency_key_reused(key: str) -> StripeRefusal:
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return StripeRefusal(400, "idempotency_error", message)


def idempotency_key_in_use(key: str) -> StripeRefusal:
    message = f"There is currently another in-progress request using this Idempotent Key ('{key}'). Try again later."
    return StripeRefusal(409, "idempotency_error", message, code="idempotency_key_in_use")


RateLimit = Literal["global-concurrency", "global-rate", "endpoint-concurrency", "endpoint-rate", "resource-specific"]


def rate_limited(
    code: Literal["rate_limit", "lock_timeout"] = "rate_limit", reason: RateLimit = "endpoint-rate"
) -> StripeRefusal:
    """`reason` goes into Stripe-Rate-Limited-Reason; a lock timeout has no such header, which tells the two apart."""
    if code == "lock_timeout":
        message = "This object cannot be accessed right now because another API request is accessing it. Try again."
        return StripeRefusal(429, "invalid_request_error", message, code=code)
    message = "Request rate limit exceeded. Back off exponentially and try again."
    return StripeRefusal(429, "invalid_request_error", message, code=code, limit=reason)


def server_error(status: int = 500) -> StripeRefusal:
    message = "An unknown error occurred while processing this request. Its outcome is indeterminate."
    return StripeRefusal(status, "api_error", message)


def unknown_address(method: str, path: str) -> StripeRefusal:
    message = f"Unrecognized request URL ({method}: {path}). If Stripe knows it, teach it to the twin's calls."
    return StripeRefusal(404, "invalid_request_error", message)
