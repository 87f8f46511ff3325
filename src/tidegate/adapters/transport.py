"""How requests reach the network: by aiohttp, with faults told in the words of httpx2.

A transfer sends hundreds of requests a second where it may, and the processor time of each decides how many: measured at 32
at once, this costs a quarter of httpx2's own transport and client (docs/adr/0012). What can go wrong is told in httpx2's
exceptions, so that `http.FATES` is the one place that says what each of them means.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 20.0
WAIT_FOR_A_CONNECTION_SECONDS = 10.0
MOST_CONNECTIONS = 100
IDLE_SECONDS = 30.0


class Network:
    """For one event loop. Neither redirects nor cookies are followed, and nothing is sent twice by itself."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[tuple[str, str], str | None] = {}
        """By scheme and host: the environment stays as it is, and looking it up costs as much as a request."""

    async def fetch(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers under lower-case names, and the body as it was before it was packed."""
        with _in_the_words_of_httpx2():
            async with self._opened().request(
                method,
                url,
                data=content,
                headers=headers,
                allow_redirects=False,
                proxy=self._proxy(url),
            ) as answer:
                body = await answer.read()
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}, body

    def _proxy(self, url: str) -> str | None:
        """What HTTP_PROXY, HTTPS_PROXY and NO_PROXY say. A .netrc is never read: each call brings its credentials."""
        parts = urlsplit(url)
        place = (parts.scheme, parts.netloc)
        if place not in self._proxies:
            self._proxies[place] = None if proxy_bypass(place[1]) else getproxies().get(place[0])
        return self._proxies[place]

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
