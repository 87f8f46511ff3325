"""The way to the network, before a server of its own: what arrives, what comes back, and what each fault is told as."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tidegate.adapters import transport as module
from tidegate.adapters.http import Answer, Call, HttpSender
from tidegate.errors import NeedsAttention, RemoteUnavailable


@asynccontextmanager
async def server(handler) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    finally:
        await runner.cleanup()


def read(answer: Answer) -> dict[str, Any]:
    told = answer.json()
    assert isinstance(told, dict)
    return told


async def sent(handler, **facts) -> Answer:
    async with server(handler) as url, HttpSender() as http:
        return await http.send(Call(**{"method": "GET", "url": url, "what": "Pipedrive"} | facts))


async def test_requests_arrive_as_they_were_meant():
    async def echo(request: web.BaseRequest) -> web.Response:
        told = {
            "q": dict(request.query),
            "auth": request.headers.get("authorization", ""),
            "agent": request.headers["user-agent"],
        }
        return web.json_response(
            told | {"body": (await request.read()).decode(), "type": request.content_type}
        )

    get = read(await sent(echo, params={"ids": "1,2"}, headers={"Authorization": "Bearer x"}))
    assert (get["q"], get["auth"]) == ({"ids": "1,2"}, "Bearer x")
    assert get["agent"].startswith("Tidegate/")
    post = read(await sent(echo, method="POST", json={"name": "Zoë"}))
    assert (post["body"], post["type"]) == ('{"name":"Zoë"}', "application/json")
    form = read(await sent(echo, method="POST", form={"code": "a b"}, basic=("id", "secret")))
    assert (form["body"], form["auth"]) == ("code=a+b", "Basic aWQ6c2VjcmV0")


async def test_answers_come_back_whole_whatever_their_status_and_packing():
    async def answer(request: web.BaseRequest) -> web.Response:
        found = web.json_response({"a": "b" * 5000}, status=418, headers={"X-RateLimit-Limit": "80"})
        found.enable_compression()
        return found

    got = await sent(answer)
    assert (got.status, got.json(), got.headers["x-ratelimit-limit"]) == (418, {"a": "b" * 5000}, "80")


async def test_redirects_and_cookies_are_left_alone():
    seen: list[str] = []

    async def away(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers.get("cookie", ""))
        answer = web.Response(status=302, headers={"Location": "https://evil.example/"})
        answer.set_cookie("a", "b")
        return answer

    async with server(away) as url, HttpSender() as http:
        answers = [await http.send(Call("GET", url)) for _ in range(2)]
    assert ([answer.status for answer in answers], seen) == ([302, 302], ["", ""])


async def test_nobody_there_means_that_nothing_was_sent():
    async with server(lambda request: web.Response()) as url:
        pass
    async with HttpSender() as http:
        with pytest.raises(RemoteUnavailable) as caught:
            await http.send(Call("POST", url, json={}))
    assert caught.value.sent is False


async def test_a_connection_that_breaks_may_have_carried_the_request():
    async def hang_up(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    with pytest.raises(RemoteUnavailable) as caught:
        await sent(hang_up, method="POST", json={})
    assert caught.value.sent is True


async def test_silence_is_not_waited_out(monkeypatch):
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.05)

    async def silent(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    with pytest.raises(RemoteUnavailable, match="usable answer") as caught:
        await sent(silent)
    assert caught.value.sent is True


@pytest.mark.parametrize("url", ["ftp://acme.example/x", "http://", "nothing"])
async def test_an_address_that_is_none_needs_a_person(url):
    async with HttpSender() as http:
        with pytest.raises(NeedsAttention):
            await http.send(Call("GET", url))


async def test_a_proxy_of_the_environment_is_used_and_looked_up_once(monkeypatch):
    asked: list[str] = []

    async def proxy(request: web.BaseRequest) -> web.Response:
        asked.append(f"{request.method} {request.raw_path}")
        return web.json_response({})

    async with server(proxy) as url, HttpSender() as http:
        monkeypatch.setenv("http_proxy", url.removesuffix("/api"))
        monkeypatch.setenv("no_proxy", "else.example")
        await http.send(Call("GET", "http://acme.example/a"))
        monkeypatch.delenv("http_proxy")
        await http.send(Call("GET", "http://acme.example/b"))
        direct = await http.send(Call("GET", url))
    assert asked == ["GET http://acme.example/a", "GET http://acme.example/b", "GET /api"]
    assert direct.status == 200
