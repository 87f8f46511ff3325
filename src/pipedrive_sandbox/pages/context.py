"""Who looks at which page: the company from the query or the only one, as one of its users."""

from dataclasses import dataclass

from aiohttp import web

from pipedrive_sandbox.account import Account
from pipedrive_sandbox.call import whole_number
from pipedrive_sandbox.pages.layout import text
from pipedrive_sandbox.sandbox import Sandbox
from pipedrive_sandbox.state import Actor


@dataclass
class Visit:
    sandbox: Sandbox
    account: Account
    query: dict[str, str]
    form: dict[str, str]
    record_id: int

    @property
    def actor(self) -> Actor:
        return Actor(self.account.user_id, "app")

    def link(self, path: str) -> str:
        return f"{path}{'&' if '?' in path else '?'}company={self.account.id}"

    def anchor(self, path: str, label: object) -> str:
        return f'<a href="{self.link(path)}">{text(label)}</a>'


async def open_visit(sandbox: Sandbox, request: web.BaseRequest, record: str) -> Visit | None:
    query = dict(request.rel_url.query)
    form: dict[str, str] = {}
    if request.method == "POST":
        posted = await request.post()
        form = {key: ",".join(str(value) for value in posted.getall(key)) for key in posted}
    companies = sandbox.state.companies()
    wanted = query.get("company", "")
    company = next((one for one in companies if str(one["id"]) == wanted), None)
    if company is None and not wanted and companies:
        company = companies[0]
    number = whole_number(record) if record else 0
    if company is None or number is None:
        return None
    user = sandbox.state.records["user"].get(company["id"], whole_number(query.get("as", "")) or 1)
    if user is None:
        return None
    return Visit(sandbox, Account(sandbox.state, company, user), query, form, number)
