"""Messages of Amazon SNS: signed by a certificate that Amazon serves, and a subscription that wants to be confirmed.

Both addresses come with the message. They are called only where they are Amazon's own, and only for who knows the secret
address of the workspace.
"""

import asyncio
from functools import lru_cache

from django.http import HttpRequest

from tidegate.adapters.http import Answer, Call, HttpSender
from tidegate.adapters.mail_providers.signatures import amazon_address, check_sns
from tidegate.adapters.mail_providers.views import sns_message_of
from tidegate.errors import Malformed, RemoteUnavailable
from tidegate.wiring import steps
from tidegate.words import say

LONGEST_SECONDS = 8.0
"""SNS gives up on an answer after 15 seconds, and tries again."""


def take_sns(request: HttpRequest) -> None:
    """Raises NotGenuine, Malformed; RemoteUnavailable where Amazon does not answer. Confirms a subscription."""
    message = sns_message_of(request)
    if message is None or "Type" not in message:
        raise Malformed(say("The body is not a message of Amazon SNS."))
    check_sns(message, certificate_at(amazon_address(message.get("SigningCertURL"))))
    if message["Type"] == "SubscriptionConfirmation":
        ask_amazon(amazon_address(message.get("SubscribeURL")))


@lru_cache(maxsize=64)
def certificate_at(url: str) -> bytes:
    """One for each region, exchanged now and then under another address."""
    return ask_amazon(url)


def ask_amazon(url: str) -> bytes:
    answer = steps.run(_get, url)
    if answer.status != 200:
        raise RemoteUnavailable(say("Amazon SNS gave no usable answer; it delivers again by itself."))
    return answer.body


async def _get(url: str) -> Answer:
    try:
        async with asyncio.timeout(LONGEST_SECONDS), HttpSender() as http:
            return await http.send(Call("GET", url, what="Amazon SNS"))
    except TimeoutError as error:
        raise RemoteUnavailable(
            say("Amazon SNS took too long to answer; it delivers again by itself.")
        ) from error
