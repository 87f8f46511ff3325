"""Query parameters nobody reads are refused: a misspelt filter must not answer with everything."""

from collections.abc import Callable
from typing import Any

from tidegate.api.auth import ApiRequest
from tidegate.errors import Invalid


def known_parameters(view: Callable[..., Any]) -> frozenset[str]:
    """The names of the query parameters this view declares."""
    operation = view._ninja_operation  # type: ignore[attr-defined]
    return frozenset(
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    )


def refuse_unknown_parameters(request: ApiRequest, known: frozenset[str]) -> None:
    unknown = sorted(set(request.GET) - known)
    if unknown:
        offer = f"Known here: {', '.join(sorted(known))}." if known else "None is known here."
        raise Invalid(errors={name: [f"There is no such query parameter. {offer}"] for name in unknown})
    doubled = sorted(name for name in known if len(request.GET.getlist(name)) > 1)
    if doubled:
        raise Invalid(errors={name: ["Give this query parameter once."] for name in doubled})
