"""The front of the AWS API: who asks, what AWS would refuse before any service sees it, the log, and the control API."""

from __future__ import annotations

import base64
import dataclasses
import fnmatch
import io
import json
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.models import sts_backends

from . import resources, signature
from .cloud import Cloud
from .registry import Registry
from .settings import ACCOUNT, ADMIN_ACCESS_KEY, ADMIN_SECRET_KEY, REGIONS, Settings

assert DEFAULT_ACCOUNT_ID == ACCOUNT

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
JSON_TYPE = "application/x-amz-json-1.1"

#: Never written to the log.
SECRET_PARAMETERS = ("Value", "UserData", "WebIdentityToken")


@dataclasses.dataclass(frozen=True)
class Call:
    """A request as the services understand it."""

    service: str
    action: str
    region: str
    parameters: dict[str, Any]
    principal: str


class Refusal(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Api:
    def __init__(self, settings: Settings, cloud: Cloud, stop: Callable[[], None]) -> None:
        self._settings = settings
        self._cloud = cloud
        self._stop = stop
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._log_lock = threading.Lock()
        self._log: list[dict[str, Any]] = []
        self._log_file = (settings.state / "calls.jsonl").open("a", buffering=1)
        self.registry: Registry | None = None
        self.environment: dict[str, str] = {}

    # WSGI

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ.get("PATH_INFO", "/")
        if path.startswith("/simulation"):
            return self._control(environ["REQUEST_METHOD"], path, body, start_response)
        if path.startswith("/moto-api"):
            return _json(start_response, 404, {"error": "this is not moto's API"})
        environ["wsgi.input"] = io.BytesIO(body)
        call: Call | None = None
        try:
            call = self._call(environ, body)
            # Before the call: it may delete what they are about.
            facts = resources.facts(call)
            self._check_faults(call)
            answer = self._own_answer(call)
        except Refusal as refusal:
            if call:
                self._record(call, facts, environ, refusal.status, refusal.code)
            return self._refuse(environ, refusal, start_response)
        if answer is not None:
            self._record(call, facts, environ, 200)
            self._keep_waiting(call)
            return _json(start_response, 200, answer, JSON_TYPE)
        return self._pass_on(call, facts, environ, start_response)

    def _pass_on(self, call: Call, facts: dict[str, Any], environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        status: list[str] = []

        def record_status(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            status.append(line)
            return start_response(line, headers, *rest)

        application = self._moto.get_application(environ)
        chunks = b"".join(application(environ, record_status))
        code = int(status[0].split()[0])
        error = None
        if code >= 400:
            text = chunks.decode("utf-8", "replace")
            error = _between(text, "<Code>", "</Code>") or _between(text, '"__type": "', '"') or _between(text, '"__type":"', '"')
        self._record(call, facts, environ, code, error)
        if call.service == "ec2" and "SecurityGroup" in call.action and not call.action.startswith("Describe") and code < 400:
            self._cloud.refresh_rules()
        self._keep_waiting(call)
        return [chunks]

    # Who and what

    def _call(self, environ: dict[str, Any], body: bytes) -> Call:
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        headers["content-length"] = environ.get("CONTENT_LENGTH", "")
        target = headers.get("x-amz-target", "")
        if target:
            parameters: dict[str, Any] = json.loads(body or b"{}")
            action = target.split(".")[-1]
        else:
            query = parse_qs(body.decode("utf-8", "replace") or environ.get("QUERY_STRING", ""), keep_blank_values=True)
            parameters = {name: values[0] for name, values in query.items()}
            action = parameters.get("Action", "")
        signed = signature.parse(headers.get("authorization", ""))
        if signed is None:
            if action == "AssumeRoleWithWebIdentity":
                return Call("sts", action, REGIONS[0], parameters, "anonymous")
            raise Refusal("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        secret, principal, token = self._principal(signed.access_key)
        if token is not None and headers.get("x-amz-security-token") != token:
            raise Refusal("InvalidClientTokenId", "The security token included in the request is invalid", 403)
        problem = signature.problem(
            signed, secret, environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"), environ.get("QUERY_STRING", ""), headers, body
        )
        if problem:
            raise Refusal(problem.split(":")[0], problem.split(": ", 1)[1], 403)
        return Call(signed.service, action, signed.region, parameters, principal)

    def _principal(self, access_key: str) -> tuple[str, str, str | None]:
        """Secret key, ARN and session token of an access key."""
        if access_key == ADMIN_ACCESS_KEY:
            return ADMIN_SECRET_KEY, f"arn:aws:iam::{ACCOUNT}:user/administrator", None
        session = self._cloud.session(access_key)
        if session:
            return session[0].secret_key, session[1], session[0].token
        assumed = sts_backends[ACCOUNT]["aws"].get_assumed_role_from_access_key(access_key)
        if assumed:
            return assumed.secret_access_key, assumed.arn, assumed.session_token
        key = iam_backends[ACCOUNT]["aws"].access_keys.get(access_key)
        if key:
            return key.secret_access_key, f"arn:aws:iam::{ACCOUNT}:user/{key.user_name}", None
        raise Refusal("InvalidClientTokenId", "The security token included in the request is invalid.", 403)

    def _check_faults(self, call: Call) -> None:
        name, faults = f"{call.service}:{call.action}", self._cloud.faults
        time.sleep(max((seconds for pattern, seconds in faults.slow.items() if fnmatch.fnmatch(name, pattern)), default=0))
        if any(fnmatch.fnmatch(name, pattern) for pattern in faults.throttled):
            raise Refusal("RequestLimitExceeded" if call.service == "ec2" else "ThrottlingException", "Request limit exceeded.", 503)
        if any(fnmatch.fnmatch(name, pattern) for pattern in faults.denied):
            code = "UnauthorizedOperation" if call.service == "ec2" else "AccessDeniedException"
            raise Refusal(code, f"User: {call.principal} is not authorized to perform: {name}", 403 if call.service == "ec2" else 400)

    def _keep_waiting(self, call: Call) -> None:
        name = f"{call.service}:{call.action}"
        while any(fnmatch.fnmatch(name, pattern) for pattern in self._cloud.faults.unanswered):
            time.sleep(0.1)

    def _refuse(self, environ: dict[str, Any], refusal: Refusal, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET"):
            return _json(start_response, refusal.status, {"__type": refusal.code, "message": str(refusal)}, JSON_TYPE)
        error = f"<Code>{refusal.code}</Code><Message>{refusal}</Message>"
        scope = signature.parse(environ.get("HTTP_AUTHORIZATION", ""))
        if scope and scope.service == "ec2":
            text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>simulation</RequestID></Response>"
        else:
            text = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>simulation</RequestId></ErrorResponse>"
        start_response(f"{refusal.status} Refused", [("Content-Type", "text/xml")])
        return [text.encode()]

    # The log

    def _record(self, call: Call, facts: dict[str, Any], environ: dict[str, Any], status: int, error: str | None = None) -> None:
        parameters = {name: value for name, value in call.parameters.items() if name not in (*SECRET_PARAMETERS, "Action", "Version")}
        self.record(
            {
                "principal": call.principal,
                "action": f"{call.service}:{call.action}",
                "resources": resources.resources(call),
                **facts,
                "region": call.region,
                "parameters": parameters,
                "from": environ.get("REMOTE_ADDR"),
                "status": status,
                "error": error,
            }
        )

    def record(self, entry: dict[str, Any]) -> None:
        entry = {"time": round(time.time(), 3), **entry}
        with self._log_lock:
            self._log.append(entry)
            self._log_file.write(json.dumps(entry) + "\n")

    def record_registry(self, action: str, resource: str, principal: str, status: int) -> None:
        region = resource.split(":")[3]
        self.record({"principal": principal, "action": action, "resources": [resource], "region": region, "status": status})

    # What moto does not know

    def _own_answer(self, call: Call) -> dict[str, Any] | None:
        own = getattr(self, f"_{call.service}_{call.action}", None)
        return own(call) if own else None

    def _ssm_PutParameter(self, call: Call) -> None:
        if not call.parameters.get("Value"):
            raise Refusal("ValidationException", "Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")

    def _ssm_GetParameter(self, call: Call) -> dict[str, Any] | None:
        name = call.parameters.get("Name", "")
        if not name.startswith("/aws/"):
            return None
        found = self._public_parameter(call, name)
        if found is None:
            raise Refusal("ParameterNotFound", "")
        return {"Parameter": found}

    def _ssm_GetParameters(self, call: Call) -> dict[str, Any] | None:
        names = call.parameters.get("Names", [])
        if not any(name.startswith("/aws/") for name in names):
            return None
        found = [(name, self._public_parameter(call, name)) for name in names]
        return {"Parameters": [value for _, value in found if value], "InvalidParameters": [name for name, value in found if not value]}

    def _public_parameter(self, call: Call, name: str) -> dict[str, Any] | None:
        value = self._cloud.public_parameter(name)
        if value is None:
            return None
        return {
            "Name": name,
            "Type": "String",
            "Value": value,
            "Version": self._cloud.faults.debian_release,
            "LastModifiedDate": 1793000000,
            "ARN": f"arn:aws:ssm:{call.region}::parameter{name}",
            "DataType": "aws:ec2:image",
        }

    def _ecr_GetAuthorizationToken(self, call: Call) -> dict[str, Any]:
        assert self.registry
        chosen = self._cloud.faults.login_seconds
        password, expires = self.registry.log_in(self._settings.login_seconds if chosen is None else chosen, call.principal)
        return {
            "authorizationData": [
                {
                    "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
                    "expiresAt": expires.timestamp(),
                    "proxyEndpoint": f"https://{self._settings.registry_host(call.region)}",
                }
            ]
        }

    def _repository(self, call: Call) -> Any:
        name = call.parameters.get("repositoryName", "")
        found = ecr_backends[ACCOUNT][call.region].repositories.get(name)
        if found is None:
            raise Refusal(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'",
            )
        return found

    def _ecr_DeleteRepository(self, call: Call) -> None:
        assert self.registry
        name = self._repository(call).name
        if self.registry.images(name) and not call.parameters.get("force"):
            raise Refusal(
                "RepositoryNotEmptyException",
                f"The repository with name '{name}' in registry with id '{ACCOUNT}' cannot be deleted because it still contains images",
            )
        self.registry.delete_repository(name)

    def _images(self, call: Call) -> list[dict[str, Any]]:
        assert self.registry
        images = self.registry.images(self._repository(call).name)
        wanted = call.parameters.get("imageIds")
        if not wanted:
            status = (call.parameters.get("filter") or {}).get("tagStatus")
            return [image for image in images if status in (None, "ANY") or (status == "TAGGED") == ("imageTags" in image)]
        found = []
        for identifier in wanted:
            image = next((image for image in images if _is(image, identifier)), None)
            if image is None:
                raise Refusal("ImageNotFoundException", f"The image with imageId {identifier} does not exist within the repository with name '{call.parameters['repositoryName']}' in the registry with id '{ACCOUNT}'")
            found.append(image)
        return found

    def _ecr_DescribeImages(self, call: Call) -> dict[str, Any]:
        return {"imageDetails": self._images(call)}

    def _ecr_ListImages(self, call: Call) -> dict[str, Any]:
        return {
            "imageIds": [
                {"imageDigest": image["imageDigest"], **({"imageTag": tag} if tag else {})}
                for image in self._images(call)
                for tag in image.get("imageTags", [None])
            ]
        }

    def _ecr_BatchDeleteImage(self, call: Call) -> dict[str, Any]:
        assert self.registry
        repository = self._repository(call)
        deleted, failures = [], []
        images = self.registry.images(repository.name)
        for identifier in call.parameters.get("imageIds", []):
            image = next((image for image in images if _is(image, identifier)), None)
            if image is None:
                failures.append({"imageId": identifier, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"})
            elif "imageTag" in identifier and len(image.get("imageTags", [])) > 1:
                self.registry.untag(repository.name, identifier["imageTag"])
                deleted.append({"imageDigest": image["imageDigest"], "imageTag": identifier["imageTag"]})
            else:
                self.registry.delete_image(repository.name, image["imageDigest"])
                deleted.append({"imageDigest": image["imageDigest"]})
        return {"imageIds": deleted, "failures": failures}

    # Control

    def _control(self, method: str, path: str, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return _json(start_response, 200, self._controlled(method, path, json.loads(body or b"{}")))
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            traceback.print_exc()
            return _json(start_response, 400, {"error": f"{type(error).__name__}: {error}"})

    def _controlled(self, method: str, path: str, wanted: Any) -> Any:
        match (method, path.split("/")[2:]):
            case ("GET", ["environment"]):
                return self.environment
            case ("GET", ["calls"]):
                with self._log_lock:
                    return list(self._log)
            case ("GET", ["faults"]):
                return dataclasses.asdict(self._cloud.faults)
            case ("PUT", ["faults"]):
                known = {field.name for field in dataclasses.fields(self._cloud.faults)}
                for name, value in wanted.items():
                    if name not in known:
                        raise ValueError(f"no fault of the name {name}; there are {', '.join(sorted(known))}")
                    setattr(self._cloud.faults, name, value)
                return dataclasses.asdict(self._cloud.faults)
            case ("POST", ["instances", instance_id, "execute"]):
                machine = self._cloud.runtime(instance_id).machine
                status, out, err = machine.execute(wanted["command"], float(wanted.get("timeout", 60)))
                return {"status": status, "stdout": out, "stderr": err}
            case ("POST", ["instances", instance_id, "pull-the-plug"]):
                self._cloud.pull_the_plug(instance_id)
                return {}
            case ("GET", ["instances", instance_id, "console"]):
                return {"console": self._cloud.runtime(instance_id).machine.console.read_text(errors="replace")}
            case ("GET", ["account"]):
                return self._account()
            case ("POST", ["stop"]):
                self._stop()
                return {}
        raise ValueError(f"{method} {path} is not part of the control API")

    def _account(self) -> dict[str, list[str]]:
        """Everything in the account that somebody made: compared before and after, it shows what was left behind."""
        iam = iam_backends[ACCOUNT]["aws"]
        found: dict[str, list[str]] = {
            "roles": [role.arn for role in iam.roles.values()],
            "instanceProfiles": list(iam.instance_profiles),
            "identityProviders": list(iam.open_id_providers),
        }
        for region in REGIONS:
            ec2 = ec2_backends[ACCOUNT][region]
            found[f"{region} instances"] = [instance.id for instance in ec2.all_instances() if instance.state != "terminated"]
            found[f"{region} volumes"] = list(ec2.volumes)
            found[f"{region} snapshots"] = list(ec2.snapshots)
            found[f"{region} networkInterfaces"] = list(ec2.enis)
            found[f"{region} securityGroups"] = [group for groups in ec2.groups.values() for group in groups]
            found[f"{region} vpcs"] = list(ec2.vpcs)
            found[f"{region} subnets"] = [subnet for zones in ec2.subnets.values() for subnet in zones]
            found[f"{region} internetGateways"] = list(ec2.internet_gateways)
            found[f"{region} routeTables"] = list(ec2.route_tables)
            found[f"{region} repositories"] = list(ecr_backends[ACCOUNT][region].repositories)
            found[f"{region} parameters"] = self._parameters(region)
        return {name: sorted(values) for name, values in found.items()}

    @staticmethod
    def _parameters(region: str) -> list[str]:
        from moto.ssm.models import ssm_backends

        return [name for name in ssm_backends[ACCOUNT][region]._parameters if not name.startswith("/aws/")]


def _is(image: dict[str, Any], identifier: dict[str, str]) -> bool:
    if "imageDigest" in identifier and image["imageDigest"] != identifier["imageDigest"]:
        return False
    return "imageTag" not in identifier or identifier["imageTag"] in image.get("imageTags", [])


def _between(text: str, start: str, end: str) -> str | None:
    _, found, rest = text.partition(start)
    return rest.partition(end)[0] if found else None


def _json(start_response: StartResponse, status: int, value: Any, kind: str = "application/json") -> Iterable[bytes]:
    start_response(f"{status} {'OK' if status == 200 else 'Refused'}", [("Content-Type", kind)])
    return [json.dumps(value).encode()]
