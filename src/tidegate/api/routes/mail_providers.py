"""E-mail service providers that deliver to the workspace."""

from typing import Self
from uuid import UUID

from ninja import Query, Router
from ninja.responses import Status as Answered
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import UNSET, Answer, Body, Id, Moment
from tidegate.errors import NotFound
from tidegate.store.models import MailProvider
from tidegate.wiring.mail_providers import add_mail_provider

router = Router(tags=["Campaigns"])


class NewMailProvider(Body):
    provider: str = Field(
        examples=["postmark"], description="brevo, mailersend, mailgun, mailjet, postmark or sparkpost."
    )
    signing_key: str = Field(
        UNSET,
        max_length=500,
        description="By which it signs: needed of mailersend and mailgun, the others have none.",
    )


class MailProviderAnswer(Answer):
    id: Id
    provider: str
    created_at: Moment
    last_delivery_at: Moment | None


class MadeMailProvider(MailProviderAnswer):
    """The addresses are shown this once: whoever knows them can tell of events."""

    tracking_url: str = Field(description="Enter this at the provider for its events.")
    inbound_url: str | None = Field(description="And this for replies, where it can deliver them.")

    @classmethod
    def of(cls, row: MailProvider, addresses: dict[str, str]) -> Self:
        shown = MailProviderAnswer.model_validate(row).model_dump()
        return cls(**shown, tracking_url=addresses["tracking"], inbound_url=addresses.get("inbound"))


@router.get(
    "", auth=needs(Scope.READ), response=Page[MailProviderAnswer], summary="List the e-mail service providers"
)
def list_mail_providers(request: ApiRequest, page: Query[PageQuery]) -> Page[MailProviderAnswer]:
    rows = MailProvider.objects.filter(workspace=request.auth.workspace_id)
    return page_of(rows, page, MailProviderAnswer.model_validate, order=("created_at", "pk"))


@router.post(
    "",
    auth=needs(Scope.ADMIN),
    response={201: MadeMailProvider},
    summary="Make addresses for an e-mail service provider",
)
def create_mail_provider(request: ApiRequest, new: NewMailProvider) -> Answered[MadeMailProvider]:
    row, addresses = add_mail_provider(
        request.auth.workspace, new.provider, new.given().get("signing_key", "")
    )
    return Answered(201, MadeMailProvider.of(row, addresses))


@router.delete(
    "/{mail_provider_id}",
    auth=needs(Scope.ADMIN),
    response={204: None},
    summary="Remove an e-mail service provider",
)
def delete_mail_provider(request: ApiRequest, mail_provider_id: UUID) -> Answered[None]:
    """Its addresses stop working at once; what it told stays."""
    found = MailProvider.objects.filter(workspace=request.auth.workspace_id, pk=mail_provider_id).first()
    if found is None:
        raise NotFound("There is no such e-mail service provider here.")
    found.delete()
    return Answered(204, None)
