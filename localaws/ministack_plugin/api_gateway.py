"""REST APIs as ministack keeps them, read by the gateway; and deployments, which ministack does not keep.

On AWS a stage serves what the API was when its deployment was made: changes of the API, and updates of a
stack on their way, are not seen before the stage names another deployment. ministack serves the live tree,
so each deployment is copied here when it is made.
"""

import copy
import json
from collections.abc import Sequence
from typing import Any

from ministack.services import apigateway_v1, waf

from localaws.apigateway.stage import Deployment, Json, Stage
from localaws.ministack_plugin.scope import acting_in, current
from localaws.ports import Credentials, RoleSessions, Scope

_PRINCIPAL = "apigateway.amazonaws.com"


class MinistackApis:
    """Apis, Keys and LogAccess."""

    def __init__(self, roles: RoleSessions) -> None:
        self._roles = roles
        self._deployments: dict[tuple[str, str], Deployment] = {}
        self._sessions: dict[str, Credentials] = {}
        self._follow_deployments()

    def owns(self, api_id: str) -> bool:
        """Whether there is a REST API with this id, in whatever account and region."""
        return self._scope(api_id) is not None

    def stage(self, api_id: str, name: str) -> Stage | None:
        """Return a stage with the deployment that it names and the web ACL that it is associated with."""
        scope = self._scope(api_id)
        if scope is None:
            return None
        with acting_in(scope):
            settings = (apigateway_v1._stages_v1.get(api_id) or {}).get(name)
            deployment = self._deployments.get((api_id, (settings or {}).get("deploymentId", "")))
            if settings is None or deployment is None:
                return None
            arn = f"arn:aws:apigateway:{scope.region}::/restapis/{api_id}/stages/{name}"
            return Stage(name, api_id, deployment, settings, scope, _web_acl(waf._associations.get(arn)))

    def find(self, value: str, stage: Stage) -> Json | None:
        """Return the API key with a value."""
        with acting_in(stage.scope):
            keys = apigateway_v1._api_keys.values()
            return next((key for key in keys if key.get("value") == value), None)

    def plans(self, key_id: str, stage: Stage) -> Sequence[Json]:
        """Return the usage plans that hold a key and a stage."""
        with acting_in(stage.scope):
            return [
                plan
                for plan_id, plan in apigateway_v1._usage_plans.items()
                if key_id in (apigateway_v1._usage_plan_keys.get(plan_id) or {})
                and any(
                    (entry.get("apiId"), entry.get("stage")) == (stage.api_id, stage.name)
                    for entry in plan.get("apiStages") or []
                )
            ]

    def credentials(self, scope: Scope) -> Credentials:
        """Return a session of the account's CloudWatch role; its root user's where the account names none.

        On AWS an account without that role takes no stage with an access log. The embedded one counts as
        set up.
        """
        with acting_in(scope):
            role = (apigateway_v1._account_settings.get("settings") or {}).get("cloudwatchRoleArn")
        if not role:
            return Credentials(scope.account, "local", "", float("inf"))
        if role not in self._sessions:
            arn = f"arn:aws:apigateway:{scope.region}::/account"
            self._sessions[role] = self._roles.assume(role, service=_PRINCIPAL, source_arn=arn, scope=scope)
        return self._sessions[role]

    @staticmethod
    def _scope(api_id: str) -> Scope | None:
        found = (key for key in list(apigateway_v1._rest_apis._data) if key[-1] == api_id)
        key = next(found, None)
        return Scope(key[0], key[1]) if key else None

    def _follow_deployments(self) -> None:
        create, delete = apigateway_v1._create_deployment, apigateway_v1._delete_deployment
        delete_api = apigateway_v1._delete_rest_api

        def created(api_id: str, data: dict[str, Any]) -> Any:
            answer = create(api_id, data)
            if answer[0] < 400:
                deployment_id = json.loads(answer[2])["id"]
                self._deployments[api_id, deployment_id] = _copied(api_id, deployment_id)
            return answer

        def deleted(api_id: str, deployment_id: str) -> Any:
            answer = delete(api_id, deployment_id)
            self._deployments.pop((api_id, deployment_id), None)
            return answer

        def deleted_api(api_id: str) -> Any:
            for key in [key for key in self._deployments if key[0] == api_id]:
                self._deployments.pop(key, None)
            # ministack leaves these behind.
            apigateway_v1._request_validators.pop(api_id, None)
            apigateway_v1._deployed_gateway_responses.pop(api_id, None)
            return delete_api(api_id)

        apigateway_v1._create_deployment = created
        apigateway_v1._delete_deployment = deleted
        apigateway_v1._delete_rest_api = deleted_api


def _copied(api_id: str, deployment_id: str) -> Deployment:
    models = apigateway_v1._models.get(api_id) or {}
    return Deployment(
        deployment_id,
        copy.deepcopy(apigateway_v1._rest_apis[api_id]),
        copy.deepcopy(apigateway_v1._resources.get(api_id) or {}),
        {name: apigateway_v1._model_schema(api_id, name) for name in models},
        copy.deepcopy(apigateway_v1._request_validators.get(api_id) or {}),
        copy.deepcopy(apigateway_v1._gateway_responses.get(api_id) or {}),
    )


def _web_acl(arn: str | None) -> Json | None:
    here = current()
    found = waf._web_acls._data.items() if arn else ()
    return next((acl for key, acl in list(found) if key[0] == here.account and acl["ARN"] == arn), None)
