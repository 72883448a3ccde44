"""The vault's own error."""

from __future__ import annotations

from app.errors import EchoError


class VaultError(EchoError):
    """What is stored is not what was put here: wrong key, changed, swapped or cut off. Nothing of it is released."""

    code = "vault_error"
