"""A POST over one kept-alive connection: what a webhook worker needs of HTTP/1.1, and no more.

httpx and httpcore cost 0.4 to 1 ms of processor time a request, and their pools look at every connection at every
request. Several events an order, hundreds of orders a second, on two cores shared with the services: a worker that
owns its connection needs about a tenth of that.
"""

import asyncio
from urllib.parse import urlsplit

_HEAD_BYTES_MOST = 65_536


class PostFailedError(Exception):
    """The endpoint could not be reached, or did not answer in HTTP within the time allowed."""


class Poster:
    """One connection to one place at a time; opened when needed, closed when the other side wants that."""

    def __init__(self, answer_within_seconds: float) -> None:
        self._limit_seconds = answer_within_seconds
        self._place: tuple[str, int] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """Return the status of the answer. Raises PostFailedError."""
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await self._post(url, headers, body)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            self.close()
            raise PostFailedError(f"{url} gave no answer: {error!r}") from error

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = self._place = None

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"The twin delivers to http:// addresses on this machine or network, not to {url}.")
        place = (parts.hostname, parts.port or 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"POST {target} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        reader, writer = await self._connection(place)
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await writer.drain()
        return await self._answer(reader)

    async def _connection(self, place: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        # at_eof: a server that closed an idle connection has said so by now; found out later, it is one more retry
        if self._reader and self._writer and self._place == place and not self._reader.at_eof():
            return self._reader, self._writer
        self.close()
        self._reader, self._writer = await asyncio.open_connection(*place, limit=_HEAD_BYTES_MOST)
        self._place = place
        return self._reader, self._writer

    async def _answer(self, reader: asyncio.StreamReader) -> int:
        status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(status_line.removeprefix("HTTP/1.1 ")[:3])
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "content-length" in headers:
            await reader.readexactly(int(headers["content-length"]))
        # 204 has no body; any other body without a length is not worth reading, and the connection is given up
        length_known = "content-length" in headers or status == 204  # noqa: PLR2004  RFC 9110: No Content
        if not length_known or headers.get("connection", "").lower() == "close":
            self.close()
        return status
