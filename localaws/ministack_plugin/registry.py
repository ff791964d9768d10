"""ECR's tokens, rights and manifests, for the registry that stands before ministack."""

import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import ecr

from localaws.images.registry import Answer, RegistryError
from localaws.images.registry_paths import Target
from localaws.ministack_plugin.scope import acting_in, current
from localaws.ports import Scope

_TOKEN_S = 12 * 3600
_JSON = {"Content-Type": "application/x-amz-json-1.1"}


@dataclass(frozen=True)
class _Session:
    scope: Scope
    access_key: str
    expires: float


class MinistackRepositories:
    """Repositories over ministack's ECR. `forget` is told a repository that is deleted."""

    def __init__(self, forget: Callable[[Scope, str], None]) -> None:
        self._sessions: dict[str, _Session] = {}
        self._issue_tokens()
        self._empty_on_delete(forget)

    def authorize(self, token: str, repository: str, action: str) -> Scope:
        """Return where the token acts after IAM allowed its owner the action on the repository."""
        session = self._sessions.get(token)
        if session is None or session.expires < time.time():
            raise RegistryError(401, "UNAUTHORIZED", "authentication required")
        if action:
            with acting_in(session.scope):
                _check(session, repository, action)
                if repository not in ecr._repositories:
                    raise RegistryError(
                        404, "NAME_UNKNOWN",
                        f"The repository with name '{repository}' does not exist in the registry with id "
                        f"'{session.scope.account}'",
                    )  # fmt: skip
        return session.scope

    def put(self, scope: Scope, target: Target, media_type: str, manifest: bytes) -> Answer:
        """Keep a manifest; a tag of an immutable repository stays what it is."""
        headers = {"content-type": media_type}
        with acting_in(scope):
            answer = ecr._v2_put_manifest(target.repository, target.reference, headers, manifest)
        if b"TAG_INVALID" in answer[2]:
            raise RegistryError(
                400, "TAG_INVALID",
                f"The image tag '{target.reference}' already exists in the '{target.repository}' repository "
                "and cannot be overwritten because the repository is immutable.",
            )  # fmt: skip
        return _as_answer(answer)

    def get(self, scope: Scope, target: Target) -> Answer:
        """Return a manifest, or ECR's own words for a missing one."""
        with acting_in(scope):
            answer = ecr._v2_get_manifest(target.repository, target.reference)
        if answer[0] == 404:
            raise RegistryError(404, "MANIFEST_UNKNOWN", "Requested image not found")
        return _as_answer(answer)

    def tags(self, scope: Scope, target: Target) -> Answer:
        """Return a repository's tags."""
        with acting_in(scope):
            return _as_answer(ecr._v2_list_tags(target.repository, {}))

    def _issue_tokens(self) -> None:
        """ministack gives everybody one token; here it is its owner's, for the twelve hours of AWS."""

        def get_authorization_token(_data: object) -> Any:
            scope, verified = current(), iam_evaluator._verified_key.get()
            token = secrets.token_urlsafe(48)
            now = time.time()
            self._sessions = {name: kept for name, kept in self._sessions.items() if kept.expires > now}
            # Of root alone no signature is checked; its key is the account's number.
            self._sessions[token] = _Session(scope, verified or scope.account, now + _TOKEN_S)
            data = {
                "authorizationToken": base64.b64encode(f"AWS:{token}".encode()).decode(),
                "expiresAt": int(now + _TOKEN_S),
                "proxyEndpoint": f"https://{scope.account}.dkr.ecr.{scope.region}.amazonaws.com",
            }
            return 200, _JSON, json.dumps({"authorizationData": [data]}).encode()

        ecr._get_authorization_token = get_authorization_token

    def _empty_on_delete(self, forget: Callable[[Scope, str], None]) -> None:
        """A deleted repository takes its manifests and layers along; one of the same name starts empty."""
        original = ecr._delete_repository

        def delete_repository(data: dict[str, Any]) -> Any:
            answer = original(data)
            if answer[0] == 200:
                name = data.get("repositoryName", "")
                ecr._manifest_blobs.pop(name, None)
                forget(current(), name)
            return answer

        ecr._delete_repository = delete_repository


def _check(session: _Session, repository: str, action: str) -> None:
    """Ask IAM as for a signed request. Raises RegistryError in the words of ECR's registry."""
    scope = session.scope
    arn = f"arn:aws:ecr:{scope.region}:{scope.account}:repository/{repository}"
    principal = iam_evaluator.resolve_principal(session.access_key, scope.account)
    if isinstance(principal, iam_evaluator.AuthError):
        raise RegistryError(
            403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."
        )
    if principal.policies is None:
        return  # root
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=arn,
        region=scope.region,
        service_context={},
        principal_keys=principal.keys,
    )
    result = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
    if found := iam_evaluator._resource_policy("ecr", arn):
        result = iam_evaluator.combine_resource_policy(result, context, *found, limits=principal.limits)
    if result.decision != "Allow":
        explicit = result.decision == "Deny"
        text = iam_actions.identity_denial_message(action, principal.arn, arn, explicit)
        raise RegistryError(403, "DENIED", text)


def _as_answer(answer: tuple[int, dict[str, str], bytes]) -> Answer:
    status, headers, body = answer
    return status, {name: value for name, value in headers.items() if name != "Content-Length"}, body
