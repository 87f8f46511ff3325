"""How requests reach the network: aiohttp below, in the shapes of httpx2 above.

A transfer sends hundreds of requests a second where it may, and the processor time of each decides how many: measured at 32
at once, this costs a quarter of httpx2's own transport and client (docs/adr/0012). What can go wrong is told in httpx2's
exceptions, so that `http.FATES` is the one place that says what each of them means.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import httpx2

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 20.0
WAIT_FOR_A_CONNECTION_SECONDS = 10.0
MOST_CONNECTIONS = 100
IDLE_SECONDS = 30.0


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """For one event loop. Neither redirects nor cookies are followed, and nothing is sent twice by itself."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        with _in_the_words_of_httpx2():
            async with self._opened().request(
                request.method,
                str(request.url),
                data=request.content or None,
                headers=request.headers.multi_items(),
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                headers = [
                    (name, value)
                    for name, value in answer.headers.items()
                    if name.lower() not in ("content-encoding", "transfer-encoding", "content-length")
                ]
        return httpx2.Response(answer.status, headers=headers, content=body)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=MOST_CONNECTIONS, keepalive_timeout=IDLE_SECONDS, ssl=httpx2.create_ssl_context()
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=WAIT_FOR_A_CONNECTION_SECONDS + CONNECT_SECONDS,
                    sock_connect=CONNECT_SECONDS,
                    sock_read=SILENCE_SECONDS,
                ),
                trust_env=True,
            )
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


@contextmanager
def _in_the_words_of_httpx2() -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except aiohttp.SocketTimeoutError as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error)) from error
    except aiohttp.NonHttpUrlClientError as error:
        raise httpx2.UnsupportedProtocol(str(error)) from error
    except aiohttp.InvalidURL as error:
        raise httpx2.InvalidURL(str(error)) from error
    except aiohttp.ClientPayloadError as error:
        raise httpx2.ReadError(str(error)) from error
    except aiohttp.ClientOSError as error:
        raise httpx2.WriteError(str(error)) from error
    except aiohttp.ClientError as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
