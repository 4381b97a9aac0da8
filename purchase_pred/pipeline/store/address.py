"""Addresses of workspaces on an object store, and where their copies lie on this machine."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from purchase_pred.errors import ConfigError

_SCHEME: Final = "s3:"
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_CACHE: Final = "XDG_CACHE_HOME"


@dataclass(frozen=True)
class StoreAddress:
    """A bucket, and what the names of the workspace's objects begin with; empty: the whole bucket is the workspace."""

    bucket: str
    prefix: str = ""

    @property
    def text(self) -> str:
        """The address as it is written."""
        return f"{_SCHEME}//{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    def folder(self) -> Path:
        """Return where the copy lies on this machine: in the user's cache, a folder for each store and address."""
        cache = os.environ.get(_CACHE, "")
        root = Path(cache) if Path(cache).is_absolute() else Path("~/.cache").expanduser()
        store = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), "")
        kind = hashlib.sha256(f"{store}\n{self.text}".encode()).hexdigest()[:12]
        name = (self.prefix or self.bucket).rpartition("/")[2]
        return root / "purchase-pred" / "stores" / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)[:60]}-{kind}"


def store_address(path: Path, /) -> StoreAddress | None:
    """Return the address on a store that a path is, as it was typed; None: it is a folder of this machine.

    Raises
    ------
    ConfigError
        It begins as an address, and is none.

    Examples
    --------
    >>> store_address(Path("s3://shop/2024/may")).text
    's3://shop/2024/may'
    """
    if path.parts[:1] != (_SCHEME,):
        return None
    bucket, *prefix = path.parts[1:] or ("",)
    if not _BUCKET.fullmatch(bucket) or ".." in prefix:
        raise ConfigError(
            "--workspace: an address on a store is s3://BUCKET/PREFIX, found another after s3:; keys are no part of "
            "it, they come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile"
        )
    return StoreAddress(bucket, "/".join(prefix))
