"""The front of the AWS API: who asks, what AWS would refuse before any service sees it, and the log. moto is behind it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from ..faults import Faults, is_among
from ..services.sts import Sessions
from ..settings import ACCOUNT, REGIONS
from . import signature
from .authorizer import Authorizer
from .call import JSON_TYPE, Call, Refusal, StartResponse, answer_json, error_code, read, refuse
from .control import Control
from .facts import facts
from .log import CallLog, entry

assert DEFAULT_ACCOUNT_ID == ACCOUNT

#: What a request without credentials may ask for.
ANONYMOUS = "AssumeRoleWithWebIdentity"


class Api:
    """A WSGI application.

    `services` answer in moto's place: a service's method named as the action, if it has such a method and that does not
    return None. `on_done` is called after each call that succeeded.
    """

    def __init__(
        self,
        faults: Faults,
        sessions: Sessions,
        authorizer: Authorizer,
        log: CallLog,
        control: Control,
        services: Mapping[str, object],
        on_done: Callable[[Call], None],
    ) -> None:
        self._faults = faults
        self._authorizer = authorizer
        self._sessions = sessions
        self._log = log
        self._control = control
        self._services = services
        self._on_done = on_done
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ.get("PATH_INFO", "/")
        if path.startswith("/simulation"):
            return self._control.answer(environ["REQUEST_METHOD"], path, body, start_response)
        if path.startswith("/moto-api"):
            return answer_json(start_response, 404, {"error": "this is not moto's API"})
        environ["wsgi.input"] = io.BytesIO(body)
        sender = environ.get("REMOTE_ADDR")
        call: Call | None = None
        known: dict[str, Any] = {}
        try:
            call = self._call(environ, body)
            # Before the call: it may delete what they are about.
            known = facts(call)
            self._check_faults(call)
            self._check_policies(call, known)
            answer = self._own_answer(call)
        except Refusal as refusal:
            if call:
                self._log.add_call(call, known, sender, refusal.status, refusal.code)
            signed = signature.parse(environ.get("HTTP_AUTHORIZATION", ""))
            return refuse(environ, signed.service if signed else "", refusal, start_response)
        if answer is None:
            return self._pass_on(call, known, environ, start_response)
        self._log.add_call(call, known, sender, 200)
        self._keep_waiting(call)
        return answer_json(start_response, 200, answer, JSON_TYPE)

    def _own_answer(self, call: Call) -> dict[str, Any] | None:
        own = getattr(self._services.get(call.service), call.action, None)
        return own(call) if own else None

    def _pass_on(self, call: Call, known: dict[str, Any], environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        status: list[str] = []

        def record_status(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            status.append(line)
            return start_response(line, headers, *rest)

        answer = b"".join(self._moto.get_application(environ)(environ, record_status))
        code = int(status[0].split()[0])
        self._log.add_call(call, known, environ.get("REMOTE_ADDR"), code, error_code(answer) if code >= 400 else None)
        if code < 400:
            self._on_done(call)
        self._keep_waiting(call)
        return [answer]

    def _call(self, environ: dict[str, Any], body: bytes) -> Call:
        action, parameters = read(environ, body)
        signed = signature.parse(environ.get("HTTP_AUTHORIZATION", ""))
        if signed is None:
            if action == ANONYMOUS:
                return Call("sts", action, REGIONS[0], parameters, "anonymous")
            raise Refusal("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        principal = self._sessions.principal(signed.access_key)
        if principal is None or (principal.token is not None and environ.get("HTTP_X_AMZ_SECURITY_TOKEN") != principal.token):
            raise Refusal("InvalidClientTokenId", "The security token included in the request is invalid", 403)
        problem = signature.problem(signed, principal.secret_key, environ, body)
        if problem:
            raise Refusal(signature.CODE, problem, 403)
        return Call(signed.service, action, signed.region, parameters, principal.arn)

    # What goes wrong

    def _check_faults(self, call: Call) -> None:
        is_ec2 = call.service == "ec2"
        time.sleep(self._faults.seconds_of(call.name))
        if is_among(call.name, self._faults.throttled):
            raise Refusal("RequestLimitExceeded" if is_ec2 else "ThrottlingException", "Request limit exceeded.", 503)
        if is_among(call.name, self._faults.denied):
            raise _not_authorized(call, f"User: {call.principal} is not authorized to perform: {call.name}")

    def _check_policies(self, call: Call, known: dict[str, Any]) -> None:
        refusal = self._authorizer.refusal(entry(call, known))
        if refusal:
            raise _not_authorized(call, refusal)

    def _keep_waiting(self, call: Call) -> None:
        while is_among(call.name, self._faults.unanswered):
            time.sleep(0.1)


def _not_authorized(call: Call, message: str) -> Refusal:
    if call.service == "ec2":
        return Refusal("UnauthorizedOperation", message, 403)
    return Refusal("AccessDenied", message, 403) if call.service in ("iam", "sts") else Refusal("AccessDeniedException", message)
