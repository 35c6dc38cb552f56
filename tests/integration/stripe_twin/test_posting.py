"""The webhook poster against servers that answer in all the ways HTTP/1.1 allows, and some that it does not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

import pytest

from libs.devstack.stripe_twin.posting import Poster, PostFailedError

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Counting:
    """A server that answers every request with the same bytes, and counts requests and connections."""

    def __init__(self, answer: bytes, *, hang_up: bool = False) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answer = answer
        self._hang_up = hang_up

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with closing(writer):
            while head := await _head(reader):
                self.requests.append(head + await reader.readexactly(4))
                writer.write(self._answer)
                await writer.drain()
                if self._hang_up:
                    return


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@asynccontextmanager
async def _serving(handler: Handler) -> AsyncIterator[str]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=b"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 1),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 1),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 3),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 3),
    ],
)
async def test_a_connection_is_kept_where_the_answer_allows_it(answer: bytes, connections: int) -> None:
    server = _Counting(answer)
    async with _serving(server.handle) as url:
        with closing(Poster(2.0)) as poster:
            for _ in range(3):
                assert await poster.post(url, {"stripe-signature": "t=1"}, b"body") in (200, 204)
    assert server.connections == connections
    assert all(request.startswith(b"POST /hook?a=b HTTP/1.1\r\nhost: 127.0.0.1:") for request in server.requests)
    assert all(b"stripe-signature: t=1\r\n" in request for request in server.requests)


async def test_a_server_that_hung_up_meanwhile_is_called_anew() -> None:
    server = _Counting(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", hang_up=True)
    async with _serving(server.handle) as url:
        with closing(Poster(2.0)) as poster:
            for _ in range(2):
                assert await poster.post(url, {}, b"body") == 200
                await asyncio.sleep(0.05)
    assert server.connections == 2


async def test_an_error_status_is_an_answer_too() -> None:
    async with _serving(_Counting(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").handle) as url:
        with closing(Poster(2.0)) as poster:
            assert await poster.post(url, {}, b"body") == 503


@pytest.mark.parametrize("answer", [b"", b"gibberish\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"])
async def test_no_answer_or_half_of_one_is_a_failure(answer: bytes) -> None:
    async with _serving(_Counting(answer, hang_up=True).handle) as url:
        with closing(Poster(2.0)) as poster, pytest.raises(PostFailedError):
            await poster.post(url, {}, b"body")


async def test_a_silent_server_is_given_up() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await asyncio.sleep(1)

    async with _serving(silent) as url:
        with closing(Poster(0.05)) as poster, pytest.raises(PostFailedError, match="Timeout"):
            await poster.post(url, {}, b"body")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://shop.example/hook", "nowhere"])
async def test_what_cannot_be_reached_is_a_failure(url: str) -> None:
    with closing(Poster(2.0)) as poster, pytest.raises(PostFailedError):
        await poster.post(url, {}, b"body")
