"""Packages, their keys and their text layers. Bytes and words are in the vault, never here."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, Json, Timestamp, UserId


class UserDataPackage(Base):
    """One upload."""

    __tablename__ = "packages"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        Index(None, "user_id", "created_at"),
    )

    package_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[UserId]
    consent_token_id: Mapped[Id]
    source_description: Mapped[str] = mapped_column(Text)
    #: The name the file had at the person's place: data, never a path.
    file_name: Mapped[str] = mapped_column(Text)
    data_type: Mapped[str] = mapped_column(String(16))
    media_type: Mapped[str] = mapped_column(String(128))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    #: SHA-256 of the bytes.
    sha256: Mapped[str] = mapped_column(String(64))
    #: Object name of the encrypted bytes.
    object_key: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    #: SHA-256 over everything the request said, to tell a repeated key from a reused one.
    request_fingerprint: Mapped[str] = mapped_column(String(64))
    #: `metadata` of the upload: `authorship` and what else the client sent.
    details: Mapped[Json]
    created_at: Mapped[CreatedAt]


class PackageKey(Base):
    """The package's data key, wrapped by the keyring; without this row no object of the package can be read."""

    __tablename__ = "package_keys"

    package_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[UserId]
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]


class TextLayerRecord(Base):
    """Where a text layer is, and what is known of it besides its words."""

    __tablename__ = "text_layers"
    __table_args__ = (Index(None, "package_id"),)

    #: UUIDv5 of package, analyzer, its version and the layer's index.
    text_layer_id: Mapped[Id] = mapped_column(primary_key=True)
    package_id: Mapped[Id] = mapped_column(ForeignKey("packages.package_id", ondelete="CASCADE"))
    user_id: Mapped[UserId]
    kind: Mapped[str] = mapped_column(String(16))
    language: Mapped[str | None] = mapped_column(String(16))
    characters: Mapped[int]
    #: Code points that can be the person's own words.
    own_characters: Mapped[int]
    #: SHA-256 of the text, UTF-8.
    sha256: Mapped[str] = mapped_column(String(64))
    object_key: Mapped[str] = mapped_column(Text)
    #: Analyzer and version that made it.
    made_by: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[Timestamp]
