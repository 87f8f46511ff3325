"""Pipedrive's API as the engine sees it: implements `Crm`, each subject in a file of its own, the webhooks here."""

from tidegate.adapters.pipedrive import prices
from tidegate.adapters.pipedrive.abouts import OBJECTS, one
from tidegate.adapters.pipedrive.organizations import OrganizationCalls
from tidegate.adapters.pipedrive.persons import PersonCalls
from tidegate.adapters.pipedrive.sales import SalesCalls
from tidegate.adapters.pipedrive.webhooks import webhook_from
from tidegate.ports import Webhook, WebhookRequest
from tidegate.words import say


class Pipedrive(PersonCalls, OrganizationCalls, SalesCalls):
    """One company's Pipedrive, as one user sees it."""

    async def list_webhooks(self) -> tuple[Webhook, ...]:
        return tuple(map(webhook_from, await self._list(prices.WEBHOOKS, say("the webhooks"))))

    async def create_webhook(self, request: WebhookRequest) -> Webhook:
        body = {
            "subscription_url": request.url,
            "event_action": request.event_action,
            "event_object": request.event_object,
            "name": request.name[:255],
            "http_auth_user": request.user,
            "http_auth_password": request.password,
            "version": "2.0",
        }
        about = say(
            "the webhook for {kind}", kind=OBJECTS.get(request.event_object, f"{request.event_object}s")
        )
        return webhook_from(await self._object(prices.CREATE_WEBHOOK, about, json=body))

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._remove(prices.DELETE_WEBHOOK, one("webhook", webhook_id), webhook_id)
