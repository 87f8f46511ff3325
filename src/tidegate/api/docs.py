"""The API's documentation as one plain page of this server: no scripts, no files from elsewhere."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase


class PlainDocs(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        document = api.get_openapi_schema(path_params=kwargs)
        return render(request, "api/docs.html", {"document": document, "groups": _groups(document)})


def _groups(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The operations by tag, in the order of the document."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, details in methods.items():
            tag = (details.get("tags") or ["Other"])[0]
            groups.setdefault(tag, []).append({"path": path, "method": method.upper(), **details})
    return groups
