"""The account and region a ministack call acts in: ministack keeps both in context variables."""

from collections.abc import Iterator
from contextlib import contextmanager

from ministack.core import responses

from localaws.ports import Scope


def current() -> Scope:
    """Return the scope of the request at hand."""
    return Scope(responses.get_account_id(), responses.get_region())


@contextmanager
def acting_in(scope: Scope) -> Iterator[None]:
    """Run calls into ministack's services for `scope`, on a thread that has no request."""
    before = current()
    responses.set_request_account_id(scope.account)
    responses.set_request_region(scope.region)
    try:
        yield
    finally:
        responses.set_request_account_id(before.account)
        responses.set_request_region(before.region)
