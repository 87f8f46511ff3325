"""The pages of the sandbox: what a user of the account would see and change. Edits here are `app` changes."""

from collections.abc import Callable

from aiohttp import web

from pipedrive_sandbox.answers import ApiError
from pipedrive_sandbox.pages import deals, layout, linked, lists, organizations, people, trouble
from pipedrive_sandbox.pages.context import Visit, open_visit
from pipedrive_sandbox.sandbox import Sandbox

PageCall = Callable[[Visit], web.Response]


class Pages:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.calls: dict[tuple[str, str], PageCall] = {}
        self.calls |= people.PAGES | linked.PAGES | organizations.PAGES
        self.calls |= deals.PAGES | lists.PAGES | trouble.PAGES

    async def handle(self, request: web.BaseRequest) -> web.Response:
        path = request.path.strip("/")
        if path.startswith("static/"):
            return layout.static(path.removeprefix("static/"))
        first, _, rest = path.partition("/")
        record = rest.split("/")[0] if rest else ""
        shape = "/".join([first or "people", *(["{id}"] if record else []), *rest.split("/")[1:]])
        call = self.calls.get((request.method, shape))
        visit = None if call is None else await open_visit(self.sandbox, request, record)
        if call is None or visit is None:
            missing = (
                "There is no such page" if call is None else "The sandbox has no such company or record yet"
            )
            hint = "<p>Seed a company with <code>POST /_sandbox/seed</code>.</p>"
            return layout.html(layout.narrow_page("Not found", f"<h1>{missing}</h1>{hint}"), 404)
        try:
            with self.sandbox.state.transaction():
                return call(visit)
        except ApiError as error:
            problem = layout.text(error.answer.body.get("error"))
            body = f"<h1>That was refused</h1><p class=problem>{problem}</p><p><a href=''>Back</a></p>"
            return layout.html(layout.narrow_page("Refused", body), error.answer.status)
