"""ECR: moto keeps the records of repositories, and a real registry their images."""

from __future__ import annotations

import base64
from typing import Any

from moto.ecr import models
from moto.ecr.models import ecr_backends

from ..faults import Faults
from ..front.call import Call, Refusal
from ..settings import ACCOUNT, Settings
from .logins import Logins
from .registry import Registry


def install(settings: Settings) -> None:
    """Gives repositories the simulation's host name."""
    create = models.Repository.__init__

    def initialise(self: models.Repository, *args: object, **kwargs: object) -> None:
        create(self, *args, **kwargs)
        self.uri = f"{settings.registry_host(self.region_name)}/{self.name}"

    models.Repository.__init__ = initialise


class Ecr:
    def __init__(self, settings: Settings, faults: Faults, registry: Registry, logins: Logins) -> None:
        self._settings = settings
        self._faults = faults
        self._registry = registry
        self._logins = logins

    def GetAuthorizationToken(self, call: Call) -> dict[str, Any]:
        password, expires = self._logins.add(self._faults.seconds("login", self._settings), call.principal)
        return {
            "authorizationData": [
                {
                    "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
                    "expiresAt": expires.timestamp(),
                    "proxyEndpoint": f"https://{self._settings.registry_host(call.region)}",
                }
            ]
        }

    def DeleteRepository(self, call: Call) -> None:
        name = _repository(call).name
        if self._registry.images(name) and not call.parameters.get("force"):
            raise Refusal(
                "RepositoryNotEmptyException",
                f"The repository with name '{name}' in registry with id '{ACCOUNT}' cannot be deleted because it still contains images",
            )
        self._registry.delete_repository(name)

    def DescribeImages(self, call: Call) -> dict[str, Any]:
        return {"imageDetails": self._images(call)}

    def ListImages(self, call: Call) -> dict[str, Any]:
        return {
            "imageIds": [
                {"imageDigest": image["imageDigest"], **({"imageTag": tag} if tag else {})}
                for image in self._images(call)
                for tag in image.get("imageTags", [None])
            ]
        }

    def BatchDeleteImage(self, call: Call) -> dict[str, Any]:
        name = _repository(call).name
        deleted, failures = [], []
        images = self._registry.images(name)
        for identifier in call.parameters.get("imageIds", []):
            image = next((image for image in images if _is(image, identifier)), None)
            if image is None:
                failures.append({"imageId": identifier, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"})
            elif "imageTag" in identifier and len(image.get("imageTags", [])) > 1:
                self._registry.untag(name, identifier["imageTag"])
                deleted.append({"imageDigest": image["imageDigest"], "imageTag": identifier["imageTag"]})
            else:
                self._registry.delete_image(name, image["imageDigest"])
                deleted.append({"imageDigest": image["imageDigest"]})
        return {"imageIds": deleted, "failures": failures}

    def _images(self, call: Call) -> list[dict[str, Any]]:
        images = self._registry.images(_repository(call).name)
        wanted = call.parameters.get("imageIds")
        if not wanted:
            status = (call.parameters.get("filter") or {}).get("tagStatus")
            return [image for image in images if status in (None, "ANY") or (status == "TAGGED") == ("imageTags" in image)]
        found = []
        for identifier in wanted:
            image = next((image for image in images if _is(image, identifier)), None)
            if image is None:
                raise Refusal(
                    "ImageNotFoundException",
                    f"The image with imageId {identifier} does not exist within the repository with name "
                    f"'{call.parameters['repositoryName']}' in the registry with id '{ACCOUNT}'",
                )
            found.append(image)
        return found


def _repository(call: Call) -> Any:
    name = call.parameters.get("repositoryName", "")
    found = ecr_backends[ACCOUNT][call.region].repositories.get(name)
    if found is None:
        raise Refusal(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'",
        )
    return found


def _is(image: dict[str, Any], identifier: dict[str, str]) -> bool:
    if "imageDigest" in identifier and image["imageDigest"] != identifier["imageDigest"]:
        return False
    return "imageTag" not in identifier or identifier["imageTag"] in image.get("imageTags", [])
