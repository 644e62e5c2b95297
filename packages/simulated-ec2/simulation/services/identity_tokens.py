"""Identity tokens (OIDC), checked as STS checks them before a role's trust policy is asked.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html
"""

from __future__ import annotations

import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from moto.iam.models import iam_backends

from ..front.call import Call, Refusal
from ..front.facts import provider_arn, unverified_claims
from ..settings import ACCOUNT

#: Neither `none`, nor a secret that both sides would have to know.
ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
REQUIRED = ("iss", "sub", "aud", "iat", "exp")
#: By how much clocks may differ.
LEEWAY_SECONDS = 300


class Sts:
    """What STS refuses that moto lets pass."""

    def __init__(self) -> None:
        self._keys: dict[str, KeySet] = {}

    def set_issuer_keys(self, keys: dict[str, Any]) -> None:
        """JWKS documents by issuer, as in `https://gitlab.com`: what STS would fetch from there."""
        self._keys = {issuer: KeySet.import_key_set(document) for issuer, document in keys.items()}

    def AssumeRoleWithWebIdentity(self, call: Call) -> None:
        token = str(call.parameters.get("WebIdentityToken", ""))
        issuer = str(unverified_claims(token).get("iss", ""))
        provider = iam_backends[ACCOUNT]["aws"].open_id_providers.get(provider_arn(issuer))
        if provider is None:
            raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
        if issuer not in self._keys:
            raise Refusal("IDPCommunicationError", f"The simulation was given no keys of {issuer}")
        try:
            claims = jwt.decode(token, self._keys[issuer], algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            raise _invalid("Token signature is invalid") from None
        _check_claims(claims, provider.client_id_list)


def _check_claims(claims: dict[str, Any], client_ids: list[str]) -> None:
    for name in REQUIRED:
        if name not in claims:
            raise _invalid(f"Missing a required claim: {name}")
    now = time.time()
    if now >= claims["exp"] + LEEWAY_SECONDS:
        raise Refusal("ExpiredTokenException", f"Token expired: current date/time {now:.0f} must be before the expiration date/time {claims['exp']}")
    if now < max(claims["iat"], claims.get("nbf", 0)) - LEEWAY_SECONDS:
        raise _invalid("Token is not valid yet")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if len(audiences) != 1 and "azp" not in claims:
        raise _invalid("Token audience contains more than one audience while authorized party is not present")
    if claims.get("azp", audiences[0]) not in client_ids:
        raise _invalid("Incorrect token audience")


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidIdentityToken", message)
