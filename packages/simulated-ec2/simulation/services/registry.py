"""What is in the ECR registry: a real registry that nobody reaches but registry_front.py."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from ..settings import ACCOUNT

MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class Registry:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Returns before it answers: see await_answer."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "configuration.json"
        # YAML is a superset of JSON.
        configuration.write_text(
            json.dumps(
                {
                    "version": 0.1,
                    "log": {"level": "warn"},
                    "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}, "delete": {"enabled": True}},
                    "http": {"addr": f"127.0.0.1:{self.port}"},
                }
            )
        )
        with (self._folder / "registry.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["registry", "serve", configuration], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def await_answer(self) -> None:
        for _ in range(200):
            try:
                self.request("GET", "/v2/")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the registry does not answer; see {self._folder / 'registry.log'}")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def digest(self, name: str, reference: str) -> str | None:
        status, headers, _ = self.request("HEAD", f"/v2/{name}/manifests/{reference}", {"Accept": ", ".join(MANIFEST_TYPES)})
        return headers.get("docker-content-digest") if status == 200 else None

    def tags(self, name: str) -> list[str]:
        status, _, body = self.request("GET", f"/v2/{name}/tags/list")
        return list(json.loads(body).get("tags") or []) if status == 200 else []

    def images(self, name: str) -> list[dict[str, Any]]:
        """Every manifest of the repository, tagged or not, as DescribeImages has them."""
        tagged: dict[str, list[str]] = {}
        for tag in self.tags(name):
            digest = self.digest(name, tag)
            if digest:
                tagged.setdefault(digest, []).append(tag)
        folder = self._folder / "data/docker/registry/v2/repositories" / name / "_manifests/revisions/sha256"
        digests = {f"sha256:{entry.name}" for entry in folder.iterdir()} if folder.exists() else set()
        found = []
        for digest in sorted(digests | set(tagged)):
            status, headers, body = self.request("GET", f"/v2/{name}/manifests/{digest}", {"Accept": ", ".join(MANIFEST_TYPES)})
            if status != 200:
                continue
            manifest = json.loads(body)
            entry: dict[str, Any] = {
                "registryId": ACCOUNT,
                "repositoryName": name,
                "imageDigest": digest,
                "imageManifestMediaType": headers["content-type"],
                "imageSizeInBytes": sum(layer["size"] for layer in manifest.get("layers", [])),
                "imagePushedAt": (folder / digest[7:] / "link").stat().st_mtime,
            }
            if digest in tagged:
                entry["imageTags"] = sorted(tagged[digest])
            found.append(entry)
        return found

    def delete_image(self, name: str, digest: str) -> bool:
        return self.request("DELETE", f"/v2/{name}/manifests/{digest}")[0] == 202

    def untag(self, name: str, tag: str) -> None:
        shutil.rmtree(self._folder / "data/docker/registry/v2/repositories" / name / "_manifests/tags" / tag, ignore_errors=True)

    def delete_repository(self, name: str) -> None:
        folder = self._folder / "data/docker/registry/v2/repositories" / name
        # Only what is its own: repositories whose names begin with its name are in folders of it.
        for part in ("_manifests", "_layers", "_uploads"):
            shutil.rmtree(folder / part, ignore_errors=True)
