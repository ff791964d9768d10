"""Sends requests to model servers. One pool of kept-alive connections serves them all."""

import asyncio
from collections.abc import Mapping

import aiohttp

from localaws.sagemaker.fleet import Fleet

_IDLE_CONNECTION_S = (
    30  # below the 75 s after which model servers close, so that no request meets a closed one
)
PREFIX = "x-amzn-sagemaker-"
# Containers see the headers of the API and no others.
_PASSED = frozenset(
    {"content-type", "accept"}
    | {PREFIX + name for name in ("custom-attributes", "inference-id", "target-model", "target-variant",
       "target-container-hostname", "enable-explanations", "inference-component", "session-id")}
)  # fmt: skip
_SKIPPED = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")  # what aiohttp would add by itself

ModelAnswer = tuple[int, Mapping[str, str], bytes]
NoAnswer = (TimeoutError, aiohttp.ClientError)


class ModelClient:
    """Asks model servers, on the event loop."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, fleet: Fleet, headers: Mapping[str, str], body: bytes) -> ModelAnswer:
        """Return the model server's status, headers and body. Raises one of NoAnswer.

        `headers` are the caller's, in lower case; the server sees those of the API.
        """
        if self._session is None:  # not earlier: it belongs to the loop that runs
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_CONNECTION_S),
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        passed = {name: value for name, value in headers.items() if name in _PASSED}
        url = fleet.base_url + "/invocations"
        for attempt in (1, 2):
            try:
                async with self._session.post(
                    url, data=body, headers=passed, skip_auto_headers=_SKIPPED
                ) as answer:
                    return answer.status, answer.headers, await answer.read()
            except aiohttp.ClientConnectorError:
                # Nothing was sent, so nothing was processed: a second try is safe. Any other failure is not.
                if attempt == 2:
                    raise
                await asyncio.sleep(0.05)
        raise AssertionError("unreachable")
