"""The table of all calls that the sandbox serves, and the search for the one that a request means."""

from pipedrive_sandbox import (
    activities,
    activity_types,
    deals,
    field_calls,
    filters,
    followers,
    history,
    leads,
    merges,
    notes,
    organizations,
    permissions,
    persons,
    pipelines,
    recents,
    search,
    users,
    v1_fields,
)
from pipedrive_sandbox.call import Route
from pipedrive_sandbox.webhooks import subscriptions

PREFIXES = {"/api/v2/": "v2", "/api/v1/": "v1", "/v1/": "v1"}
MODULES = (
    persons,
    organizations,
    deals,
    activities,
    pipelines,
    field_calls,
    search,
    followers,
    users,
    subscriptions,
    activity_types,
    notes,
    leads,
    filters,
    merges,
    recents,
    history,
    permissions,
    v1_fields,
)


def table() -> list[Route]:
    return [route for module in MODULES for route in module.ROUTES]


class RouteFinder:
    """Finds a route by version, method and path. Fixed segments win over `{placeholders}`."""

    def __init__(self, routes: list[Route]) -> None:
        self.routes = routes
        self._fixed: dict[tuple[str, str, str], Route] = {}
        self._open: dict[tuple[str, str, int], list[tuple[list[str], Route]]] = {}
        for route in routes:
            segments = route.path.strip("/").split("/")
            if "{" not in route.path:
                self._fixed[route.version, route.method, "/".join(segments)] = route
            else:
                self._open.setdefault((route.version, route.method, len(segments)), []).append(
                    (segments, route)
                )

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        for prefix, version in PREFIXES.items():
            if path.startswith(prefix):
                return self._find(version, method, path[len(prefix) :].rstrip("/"))
        return None

    def _find(self, version: str, method: str, rest: str) -> tuple[Route, dict[str, str]] | None:
        fixed = self._fixed.get((version, method, rest))
        if fixed is not None:
            return fixed, {}
        given = rest.split("/")
        for segments, route in self._open.get((version, method, len(given)), []):
            values = _match(segments, given)
            if values is not None:
                return route, values
        return None


def _match(segments: list[str], given: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for segment, text in zip(segments, given, strict=True):
        if segment.startswith("{") and text:
            values[segment[1:-1]] = text
        elif segment != text:
            return None
    return values
