"""The objects of a workspace on an S3 store: listed, read, written on a condition, and copied, none held in memory."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.errors import ConfigError, MissingExtraError, WorkspaceError
from purchase_pred.pipeline.engine.fingerprint import new_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from purchase_pred.pipeline.store.address import StoreAddress

_BLOCK: Final = 1 << 20
_MODIFIED: Final = "modified-ns"
GREETING: Final = {"connect_timeout": 5, "read_timeout": 6, "retries": {"total_max_attempts": 3, "mode": "standard"}}
"""Seconds for the first answer: a store that gives none is told within 30."""
_WORK: Final = {"connect_timeout": 10, "read_timeout": 120, "retries": {"total_max_attempts": 6, "mode": "standard"}}
_DELETED_AT_ONCE: Final = 1000
_THREADS: Final = 4
_NOT_FOUND: Final = {"404", "NoSuchKey", "NotFound"}
_CONDITION: Final = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
_REFUSED: Final = {
    *("401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"),
    "AllAccessDisabled",
}


class ChangedMeanwhileError(Exception):
    """An object is not, or no longer, the one that was listed."""


@dataclass(frozen=True)
class Found:
    """An object in a listing."""

    etag: str
    size: int


@dataclass(frozen=True)
class Note:
    """A small object that was read whole."""

    text: str
    etag: str
    age: float
    """Seconds since it was written, by the clock of the store."""


class Bucket:
    """The objects whose names begin with the address of a workspace; names are relative to it."""

    def __init__(self, address: StoreAddress, /) -> None:
        """Greet the store.

        Raises
        ------
        MissingExtraError
            The library that speaks with stores is not installed.
        ConfigError
            There are no credentials, the store refuses them, or there is no such bucket.
        WorkspaceError
            The store does not answer.
        """
        self.address = address
        self._prefix = f"{address.prefix}/" if address.prefix else ""
        try:
            library = import_module("boto3")
        except ImportError as error:
            raise MissingExtraError(
                f"{address.text}: a workspace on an object store needs boto3, which is not installed ({error}): "
                "pip install 'purchase-pred[s3]'"
            ) from error
        with self._told():
            session = library.session.Session()
            configured = import_module("botocore.config").Config
            session.client("s3", config=configured(**GREETING)).head_bucket(Bucket=address.bucket)
            self._client = session.client("s3", config=configured(**_WORK))
            self._transfer = library.s3.transfer.TransferConfig(max_concurrency=_THREADS)

    def listing(self) -> dict[str, Found]:
        """Return every object."""
        with self._told():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=self._prefix
            )
            return {
                row["Key"].removeprefix(self._prefix): Found(row["ETag"], row["Size"])
                for page in pages
                for row in page.get("Contents", ())
            }

    def read(self, name: str, /) -> Note | None:
        """Return a small object; None: there is none."""
        with self._told(but=_NOT_FOUND):
            answer = self._client.get_object(**self._at(name))
            now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
            age = (now - answer["LastModified"]).total_seconds()
            return Note(answer["Body"].read().decode("utf-8", "replace"), answer["ETag"], age)
        return None

    def write(self, name: str, text: str, /, *, over: str | None = None) -> str | None:
        """Write a small object where there is none, or `over` the one with that ETag; return its ETag.

        None: the condition does not hold. What is written must be unlike what others write: where the answer is lost,
        and the condition fails as the library asks again, that tells that it is there.
        """
        condition = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}
        with self._told(but=_CONDITION | _NOT_FOUND):
            return str(self._client.put_object(**self._at(name), Body=text.encode(), **condition)["ETag"])
        found = self.read(name)
        return found.etag if found is not None and found.text == text else None

    def upload(self, path: Path, name: str, /) -> None:
        """Write an object from a file, with the time at which that was modified."""
        extra = {"Metadata": {_MODIFIED: str(path.stat().st_mtime_ns)}}
        with self._told():
            self._client.upload_file(
                str(path), self.address.bucket, self._prefix + name, ExtraArgs=extra, Config=self._transfer
            )

    def download(self, name: str, path: Path, /, *, etag: str) -> str:
        """Write a file from the object with that ETag, as old as the file it was; return its fingerprint.

        Raises
        ------
        ChangedMeanwhileError
            The object is another by now, or gone.
        """
        digest = new_digest()
        with self._told(but=_CONDITION | _NOT_FOUND):
            answer = self._client.get_object(**self._at(name), IfMatch=etag)
            with path.open("wb") as stream:
                for block in answer["Body"].iter_chunks(_BLOCK):
                    digest.update(block)
                    stream.write(block)
            modified = answer["Metadata"].get(_MODIFIED, "")
            if modified.isdecimal():
                os.utime(path, ns=(int(modified), int(modified)))
            return digest.hexdigest()
        raise ChangedMeanwhileError(name)

    def copy(self, source: str, name: str, /) -> str:
        """Write an object from another within the store; return its ETag."""
        with self._told():
            metadata = self._client.head_object(**self._at(source))["Metadata"]
            self._client.copy(
                {"Bucket": self.address.bucket, "Key": self._prefix + source},
                *(self.address.bucket, self._prefix + name),
                ExtraArgs={"Metadata": metadata, "MetadataDirective": "REPLACE"},
                Config=self._transfer,
            )
            written = self._client.head_object(**self._at(name))
        if written["Metadata"] != metadata:
            raise WorkspaceError(
                f"{self.address.text}/{name}: something else has written this object meanwhile; nothing but "
                "purchase-pred may write there while it runs: run the command again"
            )
        return str(written["ETag"])

    def delete(self, names: Iterable[str], /) -> None:
        """Remove objects, whether or not they are there."""
        keys = [{"Key": self._prefix + name} for name in names]
        with self._told():
            for first in range(0, len(keys), _DELETED_AT_ONCE):
                some = {"Objects": keys[first : first + _DELETED_AT_ONCE], "Quiet": True}
                failed = self._client.delete_objects(Bucket=self.address.bucket, Delete=some).get("Errors", ())
                if failed:
                    raise WorkspaceError(
                        f"{self.address.text}: {len(failed)} objects cannot be removed, such as {failed[0]['Key']} "
                        f"({failed[0]['Code']}); the credentials need s3:DeleteObject"
                    )

    def _at(self, name: str) -> Mapping[str, str]:
        return {"Bucket": self.address.bucket, "Key": self._prefix + name}

    @contextmanager
    def _told(self, *, but: Iterable[str] = ()) -> Iterator[None]:
        """Tell what a store may answer in one sentence, in which no secret stands; end the block at codes in `but`."""
        faults = import_module("botocore.exceptions")
        try:
            yield
        except (faults.ClientError, import_module("boto3.exceptions").Boto3Error) as error:
            code = _code(error)
            if code not in but:
                raise self._answered(code) from None
        except (faults.NoCredentialsError, faults.PartialCredentialsError, faults.ProfileNotFound):
            raise ConfigError(
                f"{self.address.text}: no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "AWS_PROFILE to a profile that is there"
            ) from None
        except (faults.BotoCoreError, ValueError, ConnectionError) as error:
            # the message of the error, unlike its class, may hold an address with a password
            raise WorkspaceError(
                f"{self.address.text}: the store cannot be worked with ({type(error).__name__}); AWS_ENDPOINT_URL says "
                "where it is, where it is not Amazon's: look whether it runs and can be reached, and run the command "
                "again"
            ) from None

    def _answered(self, code: str) -> ConfigError | WorkspaceError:
        where = self.address.text
        if code in {"NoSuchBucket", *_NOT_FOUND}:
            return ConfigError(f"{where}: there is no bucket {self.address.bucket}; make it, or name another")
        if code in _REFUSED:
            return ConfigError(
                f"{where}: the store refuses these credentials ({code}); they must be valid, and may list, read, write "
                "and remove objects there"
            )
        if code in {"NotImplemented", "501"}:
            return ConfigError(f"{where}: the store must write on conditions (If-None-Match), and does not ({code})")
        return WorkspaceError(f"{where}: the store answers {code}; run the command again, or ask who runs the store")


def _code(error: Exception) -> str:
    """Return the code that a store answered with, also where boto has wrapped it into an error of a transfer."""
    while error is not None:
        answer: Any = getattr(error, "response", None)
        if answer:
            return str(answer["Error"]["Code"])
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return "a transfer that failed"
