"""The vault: keys and encrypted objects. Ciphertext in, plaintext streams out."""

from app.vault.errors import VaultError
from app.vault.keyring import Keyring, master_keyring
from app.vault.objects import ObjectStore, object_store
from app.vault.package import (
    PackageVault,
    Stored,
    delete_object,
    delete_objects,
    new_package,
    objects_of,
    open_package,
)
from app.vault.signing import Signer, signer, verified

__all__ = [
    "Keyring",
    "ObjectStore",
    "PackageVault",
    "Signer",
    "Stored",
    "VaultError",
    "delete_object",
    "delete_objects",
    "master_keyring",
    "new_package",
    "object_store",
    "objects_of",
    "open_package",
    "signer",
    "verified",
]
