"""The way in over HTTP: the load balancer of an Elastic Beanstalk environment."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.httpsession import get_cert_path

from client.errors import Unavailable
from client.http_door import HttpDoor, Reply

_CONNECT_S = 5.0
# The load balancer gives up after 60 s without a byte; one more for the way back.
_READ_S = 61.0
_CONNECTIONS = 32


class EnvironmentDoor(HttpDoor):
    """One environment: bodies of 25 MB at most; the model has 60 s. Connections are kept for more requests.

    Args:
        url: its address; `EnvironmentUrl` of the outputs. With https the certificate has to be for its host,
            from an authority that this machine or botocore trusts.
        connect_to: connect to this `host` or `host:port` instead, and still ask for, and verify, the host of
            the address: `EnvironmentCname` of the outputs, as long as that name has no DNS record yet.
        pause: waits some seconds between two attempts.
    """

    name = "Elastic Beanstalk"

    def __init__(
        self, url: str, *, connect_to: str | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(url, pause)
        address = urlsplit(self.url)
        self._host, self._path = address.netloc, address.path
        place = urlsplit(f"//{connect_to}") if connect_to else address
        common: dict[str, Any] = {
            "port": place.port or address.port,
            "maxsize": _CONNECTIONS,
            "timeout": urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
            "retries": False,
            # A body goes behind its headers; without this it would wait 40 ms for their acknowledgement.
            "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        }
        self._pool: urllib3.HTTPConnectionPool
        if address.scheme == "https":
            trusted = ssl.create_default_context()
            trusted.load_verify_locations(get_cert_path(True))
            common |= {"server_hostname": address.hostname, "assert_hostname": address.hostname}
            self._pool = urllib3.HTTPSConnectionPool(place.hostname or "", ssl_context=trusted, **common)
        else:
            self._pool = urllib3.HTTPConnectionPool(place.hostname or "", **common)

    def _send_once(self, route: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        try:
            answer = self._pool.request(
                "GET" if body is None else "POST",
                self._path + route,
                body=body,
                headers={"Host": self._host, **headers},
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"{self.url} could not be reached: {error}") from error
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data
