"""A request to the AWS API as its services understand it, and an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

StartResponse = Callable[..., Any]
JSON_TYPE = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class Call:
    service: str
    action: str
    region: str
    parameters: dict[str, Any]
    #: An ARN; `anonymous` for who needs no credentials.
    principal: str

    @property
    def name(self) -> str:
        """As policies write it: `ec2:StartInstances`."""
        return f"{self.service}:{self.action}"


class Refusal(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def read(environ: dict[str, Any], body: bytes) -> tuple[str, dict[str, Any]]:
    """The action that a request asks for, and its parameters, in either of AWS's protocols."""
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.split(".")[-1], json.loads(body or b"{}")
    query = parse_qs(body.decode("utf-8", "replace") or environ.get("QUERY_STRING", ""), keep_blank_values=True)
    parameters = {name: values[0] for name, values in query.items()}
    return parameters.get("Action", ""), parameters


def refuse(environ: dict[str, Any], service: str, refusal: Refusal, start_response: StartResponse) -> Iterable[bytes]:
    """Answers in the protocol, and for EC2 the dialect, of the request."""
    if environ.get("HTTP_X_AMZ_TARGET"):
        return answer_json(start_response, refusal.status, {"__type": refusal.code, "message": str(refusal)}, JSON_TYPE)
    error = f"<Code>{refusal.code}</Code><Message>{refusal}</Message>"
    if service == "ec2":
        text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>simulation</RequestID></Response>"
    else:
        text = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>simulation</RequestId></ErrorResponse>"
    start_response(f"{refusal.status} Refused", [("Content-Type", "text/xml")])
    return [text.encode()]


def error_code(answer: bytes) -> str | None:
    """The code of an answer that is an error."""
    text = answer.decode("utf-8", "replace")
    return _between(text, "<Code>", "</Code>") or _between(text, '"__type": "', '"') or _between(text, '"__type":"', '"')


def _between(text: str, start: str, end: str) -> str | None:
    _, found, rest = text.partition(start)
    return rest.partition(end)[0] if found else None


def answer_json(start_response: StartResponse, status: int, value: Any, kind: str = "application/json") -> Iterable[bytes]:
    start_response(f"{status} {'OK' if status == 200 else 'Refused'}", [("Content-Type", kind)])
    return [json.dumps(value).encode()]
