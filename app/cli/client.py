"""The web tier as the command line uses it: one person's token, retries while it restarts, errors as our errors."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import httpx

from app.cli.environment import web_url
from app.errors import EchoError, StoreUnavailable, TooLarge
from app.services import tokens
from config.settings import settings

#: Seconds that a web tier which is being restarted may take.
PATIENCE_S = 60.0
#: Seconds that the command's own token lives: longer than any analysis is waited for.
TOKEN_S = 24 * 3600
#: Answers after which the same request is sent again.
_AGAIN = frozenset({429, 502, 503, 504})
#: Candidates fetched at once; the API's most.
PAGE = 100


#: A file's name, and how to read it from its beginning.
_File = tuple[str, Callable[[], BinaryIO]]


class Refused(EchoError):
    """The web tier refused a request: its status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Client:
    """One person's view of the web tier.

    Args:
        user_id: whose.
        patience_s: seconds to keep trying where nobody answers.

    Every call raises `Refused` where the web tier refuses, and `StoreUnavailable` where nobody answers.
    """

    def __init__(self, user_id: str, patience_s: float = PATIENCE_S) -> None:
        self.user_id = user_id
        self._patience_s = patience_s
        self._http = httpx.Client(
            base_url=f"{web_url()}/v1/users/{user_id}",
            headers={"Authorization": f"Bearer {tokens.mint(user_id, tokens.OWN_SCOPES, TOKEN_S)}"},
            timeout=httpx.Timeout(60, connect=5),
            trust_env=False,  # a proxy of the environment must not be asked about this machine
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        self._http.close()

    def _send(self, method: str, path: str, *, file: _File | None = None, **request: Any) -> Any:  # noqa: ANN401 - JSON
        """Send until there is an answer; whatever is sent may be sent twice."""
        deadline, pause = time.monotonic() + self._patience_s, 0.1
        while True:
            answer = None
            try:
                with ExitStack() as opened:
                    if file is not None:
                        name, begin = file
                        request["files"] = {"file": (name, opened.enter_context(begin()), "application/octet-stream")}
                    answer = self._http.request(method, path, **request)
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise StoreUnavailable(
                        f"the web tier at {web_url()} does not answer: `echosphere status` tells why, and `make run` "
                        "or `echosphere up --detach` starts it"
                    ) from error
            if answer is not None and (answer.status_code not in _AGAIN or time.monotonic() > deadline):
                return _content(answer)
            time.sleep(pause)
            pause = min(2.0, pause * 1.5)

    def grant(self, scopes: Iterable[str], purpose: str) -> str:
        """Grant a consent; its id."""
        body = {"scopes": sorted(scopes), "purpose": purpose}
        return str(self._send("POST", "/consents", json=body)["consentTokenID"])

    def upload(self, file: Path, consent: str, authorship: str) -> str:
        """Upload a file, under a key that makes it one package however often it is sent.

        Returns:
            The package's id.

        Raises:
            TooLarge: more than the web tier takes.
        """
        most = settings().max_upload_bytes
        # What can be read only once, as a pipe, is kept in memory to be sent again.
        content = None if file.is_file() else _read(file, most + 1)
        if (file.stat().st_size if content is None else len(content)) > most:
            # Asked here, since a server that stops reading cannot make itself heard.
            raise TooLarge(f"the file is larger than {most} bytes: split it, or raise ECHO_MAX_UPLOAD_BYTES")
        accepted = self._send(
            "POST",
            "/data/upload",
            file=(_name(file), (lambda: file.open("rb")) if content is None else (lambda: BytesIO(content))),
            headers={"Idempotency-Key": uuid.uuid4().hex},
            data={
                "sourceDescription": _name(file),
                "consentTokenID": consent,
                "metadata": json.dumps({"authorship": authorship}),
            },
        )
        return str(accepted["packageID"])

    def package(self, package_id: str) -> dict[str, Any]:
        """State of a package's newest run."""
        return dict(self._send("GET", f"/data/packages/{package_id}/status"))

    def candidates(self, **query: str | float) -> Iterator[dict[str, Any]]:
        """All candidates that the query names, page by page, with evidence."""
        offset = 0
        while True:
            page = self.page(**query, limit=PAGE, offset=offset)
            yield from page["data"]
            offset += PAGE
            if offset >= page["pagination"]["total"]:
                return

    def candidate(self, candidate_id: str) -> dict[str, Any]:
        """One candidate with all its evidence."""
        return dict(self._send("GET", f"/persona/traits/candidates/{candidate_id}"))

    def page(self, **query: str | float) -> dict[str, Any]:
        """One page of candidates: {data, pagination}."""
        return dict(self._send("GET", "/persona/traits/candidates", params=query))

    @contextmanager
    def download(self, path: str, **query: str) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Something large, as it comes; it cannot be gone on with where it breaks off.

        Returns:
            About how many bytes it has, and the bytes.
        """
        try:
            with self._http.stream("GET", path, params=query) as answer:
                if not answer.is_success:
                    answer.read()
                    _content(answer)
                yield int(answer.headers.get("X-Expected-Bytes", 0)), answer.iter_bytes()
        except httpx.TransportError as error:
            raise StoreUnavailable("the download broke off: try again, and see `echosphere status`") from error

    def preview_erasure(self, package_id: str | None) -> dict[str, Any]:
        """What goes with a package, or with everything."""
        path = f"/data/packages/{package_id}" if package_id else ""
        return dict(self._send("GET", f"{path}/erasure-preview"))

    def erase(self, package_id: str | None, *, keep_settled: bool) -> dict[str, Any]:
        """Erase a package, or everything; the erasure that has begun."""
        # The person's own address: joined to the base, an empty path would end in a slash.
        path = f"/data/packages/{package_id}" if package_id else f"{web_url()}/v1/users/{self.user_id}"
        return dict(self._send("DELETE", path, params={"keepSettled": str(keep_settled).lower()}))

    def erasure(self, erasure_id: str) -> dict[str, Any]:
        """How far an erasure is, and its receipt."""
        return dict(self._send("GET", f"/erasures/{erasure_id}"))

    def act(self, candidate_id: str, action: dict[str, Any]) -> dict[str, Any]:
        """Record a decision on a candidate."""
        return dict(self._send("POST", f"/persona/traits/candidates/{candidate_id}/actions", json=action))


def _read(file: Path, most: int) -> bytes:
    with file.open("rb") as source:
        return source.read(most)


def _name(file: Path) -> str:
    """A file's name as Unicode, whatever bytes the file system has."""
    return os.fsencode(file.name).decode(errors="replace") or "file"


def _content(answer: httpx.Response) -> Any:  # noqa: ANN401 - any JSON
    try:
        content = answer.json()
    except ValueError:
        content = {}
    if answer.is_success:
        return content
    said = content.get("error", {}) if isinstance(content, dict) else {}
    raise Refused(
        answer.status_code,
        said.get("code", "internal"),
        said.get("message", f"the web tier answered {answer.status_code}: its log is in the `logs` folder of the home"),
    )
