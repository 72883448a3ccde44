"""The MongoDB protocol on loopback: FerretDB with SQLite under it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from scripts.stores.server import RECIPES, LocalServer, MissingToolchain, need, run


class FerretDB(LocalServer):
    """FerretDB 1.24, a Go module; `deploy/local/ferretdb` pins it with all that it is made of."""

    name: ClassVar[str] = "ferretdb"
    recipe: ClassVar[tuple[str, ...]] = ("ferretdb/main.go", "ferretdb/go.mod", "ferretdb/go.sum")

    def lacking(self) -> None:
        """Go is what it is built with; once built it needs nothing.

        Raises:
            MissingToolchain: there is no Go and no build.
        """
        if self.built.exists():
            return
        try:
            need("go", package="golang")
        except MissingToolchain as error:
            raise MissingToolchain(
                f"{error.message} (1.24 or newer), which the MongoDB protocol is built with"
            ) from None

    def compile(self, into: Path) -> None:
        """Fetch the modules and compile: a minute at the first time."""
        source = into / "source"
        shutil.copytree(RECIPES / "ferretdb", source)
        run(["go", "build", "-trimpath", "-o", into / "ferretdb", "."], cwd=source, CGO_ENABLED="0")

    def prepare(self) -> None:
        """The folder of its databases."""
        (self.place / "data").mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Without authentication, on loopback alone."""
        return [str(self.built / "ferretdb"), f"127.0.0.1:{self.port}", str(self.place / "data")]

    def ready(self) -> bool:
        """Whether it takes connections."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    @property
    def url(self) -> str:
        """Its address, as `ECHO_FEATURES_URL` wants it."""
        return f"mongodb://127.0.0.1:{self.port}/echosphere"

    def settings(self) -> Mapping[str, str]:
        """The variables by which EchoSphere finds it."""
        return {"ECHO_FEATURES_URL": self.url}
