"""E-mail service providers that deliver to the workspace."""

from typing import Self
from uuid import UUID

from ninja import Query, Router
from ninja.responses import Status as Answered
from pydantic import Field, JsonValue

from tidegate.adapters.mail_providers.providers import INBOUND, PROVIDERS, TRACKING
from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import UNSET, Answer, Body, Id, Moment
from tidegate.store.mail_providers import get_mail_provider, remove_mail_provider, renew_secret
from tidegate.store.models import MailProvider
from tidegate.wiring.mail_providers import add_mail_provider, addresses_of, awaits_key, set_signing_key

router = Router(tags=["Campaigns"])

_SIGNING = ", ".join(name for name, provider in PROVIDERS.items() if provider.signing)


class NewMailProvider(Body):
    provider: str = Field(examples=["postmark"], description=f"One of {', '.join(PROVIDERS)}.")
    signing_key: str = Field(
        UNSET,
        max_length=500,
        description=f"By which it signs, if known already. Of {_SIGNING}; the others have none to enter.",
    )


class MailProviderPatch(Body):
    signing_key: str = Field(max_length=500, description="By which it signs from now on.")


class DroppedEvent(Answer):
    at: Moment
    why: str = Field(description="What is wrong with it.")
    event: dict[str, JsonValue] = Field(description="As `POST /campaign-events` would take it.")

    @classmethod
    def of(cls, row: MailProvider) -> Self | None:
        if row.dropped_at is None:
            return None
        return cls(at=row.dropped_at, why=row.dropped_why, event=row.dropped_event or {})


class MailProviderAnswer(Answer):
    id: Id
    provider: str
    created_at: Moment
    last_delivery_at: Moment | None
    awaits_signing_key: bool = Field(description="Nothing is taken from it until its signing key is entered.")
    refused_at: Moment | None = Field(
        description="When a delivery was refused, none having been taken since."
    )
    refused_why: str
    dropped: DroppedEvent | None = Field(
        description="The last event of a delivery that could not be taken. The others of its delivery were."
    )

    @classmethod
    def of(cls, row: MailProvider) -> Self:
        return cls(
            id=str(row.pk),
            provider=row.provider,
            created_at=row.created_at,
            last_delivery_at=row.last_delivery_at,
            awaits_signing_key=awaits_key(row),
            refused_at=row.refused_at,
            refused_why=row.refused_why,
            dropped=DroppedEvent.of(row),
        )


class MailProviderAddresses(MailProviderAnswer):
    """With its secret addresses: whoever knows them can tell of events."""

    tracking_url: str | None = Field(
        description="Enter this at the provider for its events. Null: made before addresses were kept; renew it."
    )
    inbound_url: str | None = Field(description="And this for replies, where it can deliver them.")

    @classmethod
    def of(cls, row: MailProvider) -> Self:
        addresses = addresses_of(row)
        return cls(
            **MailProviderAnswer.of(row).model_dump(),
            tracking_url=addresses.get(TRACKING),
            inbound_url=addresses.get(INBOUND),
        )


@router.get(
    "", auth=needs(Scope.READ), response=Page[MailProviderAnswer], summary="List the e-mail service providers"
)
def list_mail_providers(request: ApiRequest, page: Query[PageQuery]) -> Page[MailProviderAnswer]:
    rows = MailProvider.objects.filter(workspace=request.auth.workspace_id)
    return page_of(rows, page, MailProviderAnswer.of, order=("created_at", "pk"))


@router.post(
    "",
    auth=needs(Scope.ADMIN),
    response={201: MailProviderAddresses},
    summary="Make addresses for an e-mail service provider",
)
def create_mail_provider(request: ApiRequest, new: NewMailProvider) -> Answered[MailProviderAddresses]:
    row = add_mail_provider(
        request.auth.workspace,
        new.provider,
        new.given().get("signing_key", ""),
        actor=actor(request),
    )
    return Answered(201, MailProviderAddresses.of(row))


@router.get(
    "/{mail_provider_id}",
    auth=needs(Scope.ADMIN),
    response=MailProviderAddresses,
    summary="Get an e-mail service provider with its secret addresses",
)
def read_mail_provider(request: ApiRequest, mail_provider_id: UUID) -> MailProviderAddresses:
    return MailProviderAddresses.of(get_mail_provider(request.auth.workspace, mail_provider_id))


@router.patch(
    "/{mail_provider_id}",
    auth=needs(Scope.ADMIN),
    response=MailProviderAnswer,
    summary="Enter the signing key of an e-mail service provider",
)
def patch_mail_provider(
    request: ApiRequest, mail_provider_id: UUID, patch: MailProviderPatch
) -> MailProviderAnswer:
    row = get_mail_provider(request.auth.workspace, mail_provider_id)
    set_signing_key(row, patch.signing_key, actor=actor(request))
    return MailProviderAnswer.of(row)


@router.post(
    "/{mail_provider_id}/renew",
    auth=needs(Scope.ADMIN),
    response=MailProviderAddresses,
    summary="Give an e-mail service provider other addresses",
)
def renew_mail_provider(request: ApiRequest, mail_provider_id: UUID) -> MailProviderAddresses:
    """Those before stop working at once."""
    row = get_mail_provider(request.auth.workspace, mail_provider_id)
    renew_secret(row, actor=actor(request))
    return MailProviderAddresses.of(row)


@router.delete(
    "/{mail_provider_id}",
    auth=needs(Scope.ADMIN),
    response={204: None},
    summary="Remove an e-mail service provider",
)
def delete_mail_provider(request: ApiRequest, mail_provider_id: UUID) -> Answered[None]:
    """Its addresses stop working at once; what it told stays."""
    row = get_mail_provider(request.auth.workspace, mail_provider_id)
    remove_mail_provider(row, actor=actor(request))
    return Answered(204, None)
