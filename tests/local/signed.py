"""One signed invocation, sent again and again: many requests through the real door in little time.

A signature holds for fifteen minutes, so a test need not sign 10,000 times what is the same each time.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.control import ACCOUNT, REGION


@dataclass
class Sent:
    """What came back: who answered how often, every other answer, and how long each took in seconds."""

    variants: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def p50_ms(self) -> float:
        """The time that half of the requests stayed below."""
        return sorted(self.seconds)[len(self.seconds) // 2] * 1000


class Door:
    """InvokeEndpoint of one endpoint, over kept-alive connections."""

    def __init__(self, url: str, endpoint: str, body: bytes = b"x", **headers: str) -> None:
        self._host = url.removeprefix("http://")
        self._path = f"/endpoints/{endpoint}/invocations"
        self._body = body
        request = AWSRequest("POST", url + self._path, data=body, headers={"Host": self._host, **headers})
        SigV4Auth(Credentials(ACCOUNT, "local"), "sagemaker", REGION).add_auth(request)
        self._headers = dict(request.headers.items())

    def send(self, requests: int, threads: int = 4) -> Sent:
        """Send this many requests, in equal parts from a few threads."""
        sent, lock = Sent(), threading.Lock()

        def run() -> None:
            part = self._send_part(requests // threads)
            with lock:
                sent.variants += part.variants
                sent.failures += part.failures
                sent.seconds += part.seconds

        running = [threading.Thread(target=run) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return sent

    def _send_part(self, requests: int) -> Sent:
        part = Sent()
        connection: Any = http.client.HTTPConnection(self._host, timeout=70)
        for _ in range(requests):
            started = time.perf_counter()
            try:
                connection.request("POST", self._path, body=self._body, headers=self._headers)
                answer = connection.getresponse()
                body = answer.read()
            except OSError as error:
                part.failures.append(repr(error))
                connection.close()
                continue
            part.seconds.append(time.perf_counter() - started)
            if answer.status == http.client.OK:
                part.variants[answer.getheader("x-Amzn-Invoked-Production-Variant", "")] += 1
            else:
                part.failures.append(f"{answer.status} {body.decode(errors='replace')}")
        connection.close()
        return part
