"""The package archives that machines' apt asks for: what this machine's own apt can get."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from werkzeug.security import safe_join
from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response

from ..host.commands import CommandFailed, run

#: What never changes under its name.
FIXED = re.compile(r"/pool/|/by-hash/")


def archive_hosts(root: Path) -> list[str]:
    """Names of the servers in the apt sources of this root file system."""
    files = [root / "etc/apt/sources.list", *(root / "etc/apt/sources.list.d").glob("*")]
    named = [re.findall(r"https?://([^/:\s]+)", file.read_text()) for file in files if file.exists()]
    return sorted({host for hosts in named for host in hosts})


class PackageArchives:
    """A WSGI application. Packages are fetched once and kept; lists each time, and kept for when they cannot be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        name = safe_join(str(self._folder), request.host.partition(":")[0], request.path.lstrip("/"))
        if name is None or request.method not in ("GET", "HEAD"):
            return Response(status=404)(environ, start_response)
        file = Path(name)
        if not (file.is_file() and FIXED.search(request.path)):
            self._fetch(f"{request.scheme}://{request.host}{quote(request.path)}", file)
        if not file.is_file():
            return Response(status=404)(environ, start_response)
        return send_file(file, environ, mimetype="application/octet-stream")(environ, start_response)

    @staticmethod
    def _fetch(url: str, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            fetched = Path(folder) / "file"
            try:
                run("/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root", "download-file", url, str(fetched))
                fetched.rename(file)
            except CommandFailed:
                return
