"""Typed settings from the environment, prefix `ECHO_`.

Precedence: process environment, files with one secret each (`ECHO_DATABASE_URL_FILE` and so for every secret), the file
named by `ECHO_ENV_FILE`, `<home>/run.env` (written by `echosphere up` for the servers it starts), the secret of AWS
Secrets Manager that `ECHO_AWS_SECRET` names, the defaults below. A value that is a secret never appears in a repr, a
log or an error.
"""

from __future__ import annotations

import os
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.secrets import AwsSecret, SecretFiles, variable

#: The checkout (or the folder that holds the installed packages).
ROOT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Where this instance keeps its state: `ECHO_HOME`, by default `.local` in the checkout."""
    return Path(os.environ.get("ECHO_HOME") or ROOT / ".local").resolve()


class Settings(BaseSettings):
    """All settings of the fleet. Each one's comment gives unit and reason."""

    model_config = SettingsConfigDict(env_prefix="ECHO_", extra="ignore", hide_input_in_errors=True)

    home: Path = Field(default_factory=home)

    #: SQLAlchemy URL. `echosphere up` starts an embedded server and sets this when it is empty.
    database_url: SecretStr = SecretStr("")
    #: Connections kept per process: one for the work, one for the advisory lock of a running lane.
    database_pool_size: int = 4

    #: Celery broker; embedded Redis when empty.
    broker_url: SecretStr = SecretStr("")
    #: Celery result backend; the broker's server when empty.
    result_url: SecretStr = SecretStr("")

    #: Raw feature store: empty for PostgreSQL JSONB.
    features_url: SecretStr = SecretStr("")
    #: Persona graph: empty for PostgreSQL; bolt://, neo4j:// and their +s forms; neptune:// and wss://…/gremlin.
    graph_url: SecretStr = SecretStr("")
    #: Which library speaks Bolt.
    graph_driver: Literal["neo4j", "py2neo"] = "neo4j"
    #: Object store: empty for encrypted files under `<home>/objects`; s3://bucket/prefix?region=…&endpoint=….
    objects_url: str = ""
    #: Wrapping keys: empty (or "local:") for a local key in `<home>/master.key`, made on first start;
    #: aws-kms://key-arn-or-alias?region=…&endpoint=…. Several, with commas: the first wraps, the others only open.
    keys_url: str = ""
    #: Name or ARN of a secret of AWS Secrets Manager, a JSON object of ECHO_* variables; from AWS_REGION.
    aws_secret: str = ""

    #: HS256 secret of the bearer tokens, 32 bytes at least; made on first start when empty (`<home>/jwt.secret`).
    jwt_secret: SecretStr = SecretStr("")
    #: JWKS address of an OIDC provider; RS256 and ES256 tokens are then accepted instead of HS256.
    jwt_jwks_url: str = ""
    #: Ed25519 key (PEM) that signs receipts and bundles; made on first start when empty (`<home>/signing.key`).
    signing_key: SecretStr = SecretStr("")
    jwt_issuer: str = "echosphere"
    jwt_audience: str = "echosphere"
    #: Secret that other services send to `/internal/consent/v1/verify` as bearer token; closed when empty.
    internal_secret: SecretStr = SecretStr("")

    #: Consent service that is asked instead of our own ledger, by the contract of `/internal/consent/v1/verify`.
    consent_url: str = ""
    #: Bearer token for it.
    consent_secret: SecretStr = SecretStr("")
    #: Seconds that its answer may be used again. What it takes back counts after this time at the latest.
    consent_cache_s: float = 2.0
    #: Days that packages are kept, by the purpose of their consent; "*" is for all others. JSON: {"*": 365}.
    retention_days: dict[str, float] = Field(default_factory=dict)

    web_host: str = "127.0.0.1"
    web_port: int = 8000
    flower_port: int = 5555

    #: Bytes of one upload. 100 MiB: an hour of MP3, a book with pictures.
    max_upload_bytes: int = 100 * 2**20
    #: Seconds of one recording. Three hours.
    max_audio_seconds: float = 3 * 3600.0
    #: Uploads that one person may have waiting before 429.
    max_waiting_runs: int = 20_000

    #: Packages in flight per worker slot: few enough for fairness, enough to keep the slots busy.
    window_per_slot: int = 3
    #: Worker slots that the window assumes in all.
    slots: int = 8
    #: Seconds without progress after which the reconciler looks at a run; it doubles with every dispatch.
    stale_after_s: float = 15.0
    #: Times a step is begun before it is given up.
    max_attempts: int = 4
    #: Seconds between ticks of dispatcher and reconciler.
    tick_s: float = 2.0

    #: Local models, one folder each ("sentiment", "emotion"); `make models` fills it.
    models_dir: Path = Field(default_factory=lambda: home() / "models")

    #: Whether dispositions (Big Five) are inferred from word classes (docs/decisions/0007-dispositions.md).
    infer_dispositions: bool = False

    #: Key of an Anthropic account. Empty: what needs Claude is skipped and says so.
    anthropic_api_key: SecretStr = SecretStr("")
    #: Another address than the vendor's, for a proxy or a stub.
    anthropic_base_url: str = ""
    #: Which model is asked, by the vendor's id.
    anthropic_model: str = "claude-sonnet-5-5"
    #: Seconds of one call, whatever the other side does. Sixteen thousand tokens take a model about four minutes.
    llm_deadline_s: float = 280.0
    #: Calls to one vendor with one key at a time, in all workers together.
    llm_concurrency: int = Field(default=8, ge=1)
    #: US dollars that one run may cost. A call is made only if its worst case is still within.
    llm_budget_run: Decimal = Field(default=Decimal(5), ge=0)
    #: US dollars that one person's runs may cost in a calendar month (UTC).
    llm_budget_person_month: Decimal = Field(default=Decimal(50), ge=0)
    #: Times that a vendor who cannot answer now is asked before the step fails.
    llm_tries: int = Field(default=6, ge=1)
    #: Share of what is found that is asked about once more, in other words, and dropped if it is not found again. Costs
    #: one further question for each window and task that found something; the text is read from the vendor's cache.
    llm_ask_twice: float = Field(default=0.0, ge=0, le=1)
    #: Seconds that the questions of bulk runs wait for others before they travel in one batch.
    llm_batch_gather_s: float = Field(default=60.0, ge=0)
    #: Seconds between two looks at batches and what waits for one.
    llm_batch_tick_s: float = Field(default=30.0, gt=0)
    #: Whether answers are kept, encrypted in the package's vault, to be shown, repeated, and not paid twice.
    llm_recordings: bool = True
    #: A table of models and prices of one's own, in the form of app/analyzers/llm/models.json.
    llm_models: Path | None = None

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    #: Test builds only: name of the step at which the process kills itself (tests/acceptance).
    failpoint: str = ""
    #: Other implementations by analyzer name, JSON: {"text.style": "mine.style:analyse"}, for word lists of one's own.
    analyzer_implementations: dict[str, str] = Field(default_factory=dict)
    #: Further catalog options by analyzer name, JSON: {"text.topics": {"limit": 20}}.
    analyzer_options: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("anthropic_base_url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        """Refused when a process starts, and not with every question that goes nowhere."""
        try:
            parts = urlsplit(url)
            whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if url and not whole:
            raise ValueError("must be a whole address with scheme and host, such as https://proxy.example:8443")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature; ours are `_FILE`
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of the sources; see the module."""
        files = SecretFiles(settings_cls, dotenv_settings)
        chosen = variable(dotenv_settings, AwsSecret.variable)
        secret = (AwsSecret(settings_cls, chosen),) if chosen else ()
        return init_settings, env_settings, files, dotenv_settings, *secret

    @property
    def objects_dir(self) -> Path:
        """Folder of the embedded object store."""
        return self.home / "objects"

    @property
    def master_key_file(self) -> Path:
        """The embedded wrapping key."""
        return self.home / "master.key"


def load(**overrides: Any) -> Settings:  # noqa: ANN401 - the fields give the types
    """Read settings afresh, from the environment and the env files."""
    files = [home() / "run.env", *([Path(extra)] if (extra := os.environ.get("ECHO_ENV_FILE")) else [])]
    return Settings(_env_file=files, **overrides)


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return load()
