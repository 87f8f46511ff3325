"""The connected user, and what an account is made of: its fields, users, pipelines, filters and activity types."""

from collections.abc import Sequence
from dataclasses import replace

from tidegate.adapters.pipedrive import prices
from tidegate.adapters.pipedrive.calls import Calls, Raw, together
from tidegate.adapters.pipedrive.definitions import (
    MOST_NAME,
    account_from,
    catalogue_from,
    new_field_to,
    options_from,
    person_fields,
)
from tidegate.core.catalogue import Field, Option, PipedriveCatalogue
from tidegate.core.values import Kind
from tidegate.errors import InvalidForRemote, PermissionMissing
from tidegate.ports import Account
from tidegate.words import say


class AccountCalls(Calls):
    """What an option or a custom field means comes from the catalogue; it is read when it is first needed."""

    async def who_am_i(self) -> Account:
        return account_from(await self._object(prices.WHO_AM_I, say("the connected user")))

    async def read_catalogue(self) -> PipedriveCatalogue:
        read_at = self._clock.now()
        fields, users, pipelines, stages, filters, activity_types = await together(
            [
                self._all_pages(prices.PERSON_FIELDS, say("the person fields")),
                self._list(prices.USERS, say("the users")),
                self._all_pages(prices.PIPELINES, say("the pipelines")),
                self._all_pages(prices.STAGES, say("the stages")),
                self._list(prices.FILTERS, say("the filters"), {"type": "people"}),
                self._activity_types(),
            ]
        )
        self._catalogue = catalogue_from(
            fields=fields,
            users=users,
            pipelines=pipelines,
            stages=stages,
            filters=filters,
            read_at=read_at,
            activity_types=activity_types,
        )
        return self._catalogue

    async def _activity_types(self) -> list[Raw]:
        """None where the authorisation does not reach activities: nothing else depends on them."""
        try:
            return await self._list(prices.ACTIVITY_TYPES, say("the activity types"))
        except PermissionMissing:
            return []

    async def _fields(self) -> tuple[Field, ...]:
        async with self._reading_catalogue:
            catalogue = self._catalogue or await self.read_catalogue()
        return catalogue.fields

    async def create_field(self, name: str, kind: Kind, options: Sequence[str] = ()) -> Field:
        body = new_field_to(name, kind, options)
        about = say("the new field “{name}”", name=name)
        made = await self._object(prices.CREATE_PERSON_FIELD, about, json=body, mark="field_code")
        users = self._catalogue.users if self._catalogue else ()
        return self._learn(person_fields([made], users)[-1])

    async def add_options(self, field: Field, labels: Sequence[str]) -> tuple[Option, ...]:
        too_long = next((label for label in labels if not 1 <= len(label) <= MOST_NAME), None)
        if too_long is not None:
            raise InvalidForRemote(
                say(
                    "An option has 1 to {limit} characters: “{option}” has {length}.",
                    limit=MOST_NAME,
                    option=too_long[:60],
                    length=len(too_long),
                )
            )
        body = [{"label": label} for label in labels]
        answer = await self._answer(
            prices.ADD_OPTIONS, say("the field “{field}”", field=field.name), id_=field.key, json=body
        )
        added = options_from({"options": answer.get("data")})
        self._learn(replace(field, options=(*field.options, *added)))
        return added

    def _learn(self, field: Field) -> Field:
        """What this field means from now on, where the fields were read before."""
        if self._catalogue is not None:
            self._catalogue = self._catalogue.with_field(field)
        return field
