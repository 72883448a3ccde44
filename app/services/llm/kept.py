"""What each step of a run found, kept beside the run's recordings: a later run replaces the features in the store.

Encrypted in the package's vault, gone with it. Replaying a run is compared with this.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from app.errors import NotFound
from app.vault import PackageVault

PREFIX = "found-"


def keep(vault: PackageVault, run_id: UUID, analyzer: str, features: dict[str, Any]) -> None:
    """Put the features of a step into the package's vault.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    vault.put(_name(run_id, analyzer), json.dumps(features).encode())


def found(vault: PackageVault, run_id: UUID, analyzer: str) -> dict[str, Any] | None:
    """The features of a step, if they were kept.

    Raises:
        VaultError: they cannot be opened.
        StoreUnavailable: the store does not answer.
    """
    try:
        features: dict[str, Any] = json.loads(vault.named(_name(run_id, analyzer)))
    except NotFound:
        return None
    return features


def _name(run_id: UUID, analyzer: str) -> str:
    return f"{PREFIX}{run_id.hex}-{analyzer}"
