"""The rows and objects of a checked bundle, written anew: fresh keys, evidence proven again, nothing taken on trust."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from app.consent import ledger, ruled_remotely
from app.consent.grants import MAX_PURPOSE
from app.consent.scopes import checked
from app.errors import InvalidInput
from app.features import FeatureDocument, feature_set_id, feature_store
from app.layers import Span, TextLayer, digest
from app.models import ConsentLedgerEntry, EvidenceSnippet, ExtractedTraitCandidate, PackageKey
from app.services.bundle.reading import Reader
from app.services.bundle.tables import (
    BATCH,
    CANDIDATES,
    CONCEPTS,
    CONTRIBUTIONS,
    DECISIONS,
    EVIDENCE,
    LAYERS,
    PACKAGES,
    RELATIONS,
    RUNS,
    STEPS,
    STYLES,
    TRAITS,
    Table,
)
from app.services.records import DECIDED
from app.services.verification import UNPROVEN
from app.traits.candidates import Contribution
from app.traits.concepts import LEAST_PLACES, is_term
from app.traits.proof import prove
from app.vault import PackageVault, new_package
from app.vocabulary import FeatureStatus, Modality, Phase, RunStatus, StepStatus

Values = dict[str, Any]


class Restoring:
    """One import within its transaction.

    Args:
        connection: of the transaction.
        bundle: checked.
        touched: packages that got objects or features, for the caller to take back if the transaction fails.
    """

    def __init__(self, connection: Connection, bundle: Reader, touched: list[UUID]) -> None:
        self._connection = connection
        self._bundle = bundle
        self._user_id = bundle.user_id
        self._touched = touched
        self._packages: set[UUID] = set()
        #: Text layers that came along, and the package of each.
        self._layers: dict[UUID, UUID] = {}
        #: Concepts that came along: package and name.
        self._concepts: set[tuple[UUID, str]] = set()
        self._counts: Counter[str] = Counter()

    def run(self) -> dict[str, int]:
        """Restore everything; how much of each kind."""
        self._restore_consents()
        self._restore_packages()
        self._write(RUNS, map(_ended_run, self._rows(RUNS)))
        self._write(STEPS, map(_ended_step, self._rows(STEPS)))
        self._restore_features()
        self._write(CANDIDATES, self._rows(CANDIDATES))
        self._write(CONTRIBUTIONS, map(_known_contribution, self._rows(CONTRIBUTIONS)))
        self._restore_evidence()
        self._write(CONCEPTS, map(self._known_concept, self._rows(CONCEPTS)))
        self._write(RELATIONS, map(self._known_relation, self._rows(RELATIONS)))
        for table in (DECISIONS, TRAITS, STYLES):
            self._write(table, self._rows(table))
        return dict(self._counts)

    def _rows(self, table: Table) -> Iterator[Values]:
        """The rows of a member, all of them the person's and of packages of the bundle."""
        for document in self._bundle.rows(table.member):
            values = table.values(document) | {"user_id": self._user_id}
            if table is not PACKAGES and "package_id" in values and values["package_id"] not in self._packages:
                raise InvalidInput("a row of the bundle is of a package that is not in it", member=table.member)
            yield values

    def _write(self, table: Table, rows: Iterable[Values]) -> None:
        """Insert in order and in batches."""
        batch: list[Values] = []
        for values in rows:
            batch.append(values)
            self._counts[table.name] += 1
            if len(batch) == BATCH:
                self._connection.execute(insert(table.model), batch)
                batch = []
        if batch:
            self._connection.execute(insert(table.model), batch)

    def _known_concept(self, values: Values) -> Values:
        """A term that a merge could have found, and no passage."""
        if not is_term(values["name"]) or values["places"] < LEAST_PLACES:
            raise InvalidInput("a concept of the bundle is none", member=CONCEPTS.member)
        self._concepts.add((values["package_id"], values["name"]))
        return values

    def _known_relation(self, values: Values) -> Values:
        """Between two concepts of one package."""
        ends = {(values["package_id"], values["source"]), (values["package_id"], values["target"])}
        if len(ends) < 2 or not ends <= self._concepts:
            raise InvalidInput("a relation of the bundle is not between two of its concepts", member=RELATIONS.member)
        return values

    def _restore_consents(self) -> None:
        """Append the consents under their own ids. A chain cannot be copied: it goes on from where it is here.

        What stands here under the same id stays as it is. What nobody vouches for is recorded, and ended at once.
        """
        if ruled_remotely():
            return  # another service keeps the consents, and ours are read by nobody
        known = select(ConsentLedgerEntry.consent_token_id).where(ConsentLedgerEntry.user_id == self._user_id)
        here = set(self._connection.execute(known).scalars())
        for record in self._bundle.rows("consents.jsonld"):
            token = UUID(record["identifier"])
            if token in here:
                self._counts["consentsKnown"] += 1
                continue
            standing = self._bundle.signed.trusted and record["hasConsentStatus"] != "dpv:ConsentWithdrawn"
            self._append(token, record, ["grant"] if standing else ["grant", "revoke"])
            self._counts["consents" if standing else "consentsEnded"] += 1

    def _append(self, token: UUID, record: Values, events: Iterable[ledger.Event]) -> None:
        until = (record.get("hasDuration") or {}).get("until")
        purpose = record["hasProcess"]["hasPurpose"]["description"]
        if not isinstance(purpose, str) or not purpose.strip() or len(purpose) > MAX_PURPOSE:
            raise InvalidInput("a consent of the bundle has no purpose")
        for event in events:
            ledger.append(
                self._connection,
                ledger.head(self._connection, self._user_id),
                user_id=self._user_id,
                event=event,
                consent_token_id=token,
                scopes=checked(record["scopes"]),
                purpose=purpose,
                expires_at=datetime.fromisoformat(until).astimezone(UTC) if until else None,
            )

    def _restore_packages(self) -> None:
        """Packages with their key, their bytes and their texts; those without their bytes stay as what they were."""
        told: dict[UUID, list[Values]] = {}
        for document in self._bundle.rows(LAYERS.member):
            values = LAYERS.values(document) | {"user_id": self._user_id}
            told.setdefault(values["package_id"], []).append(values)
        for values in self._rows(PACKAGES):
            package_id = values["package_id"]
            self._packages.add(package_id)
            row = {**values, "object_key": "", "request_fingerprint": "", "idempotency_key": None}
            vault = self._vault(package_id)
            if vault is not None:
                row["object_key"] = self._put_original(vault, values)
            self._write(PACKAGES, [row])
            if vault is not None:
                key = {"package_id": package_id, "user_id": self._user_id, "wrapped_key": vault.wrapped_key}
                self._connection.execute(insert(PackageKey), key)
                self._write(LAYERS, self._put_layers(vault, told.get(package_id, [])))
        if told.keys() - self._packages:
            raise InvalidInput("the bundle has text layers of packages that are not in it")

    def _vault(self, package_id: UUID) -> PackageVault | None:
        if not self._bundle.has(f"sources/{package_id}/original"):
            return None
        self._touched.append(package_id)
        return new_package(self._user_id, package_id)

    def _put_original(self, vault: PackageVault, values: Values) -> str:
        stored = vault.put_stream("original", self._bundle.pieces(f"sources/{vault.package_id}/original"))
        if (stored.size, stored.sha256) != (values["size_bytes"], values["sha256"]):
            raise InvalidInput(
                "an upload in the bundle is not the one that its row speaks of", packageID=str(vault.package_id)
            )
        return stored.object_key

    def _put_layers(self, vault: PackageVault, told: Iterable[Values]) -> Iterator[Values]:
        """Encrypt the package's texts; what their rows say is measured again."""
        for values in told:
            layer_id = values["text_layer_id"]
            if (layer := self._layer(layer_id)) is None:
                continue
            self._layers[layer_id] = vault.package_id
            yield {
                **values,
                "kind": layer.kind,
                "characters": len(layer.text),
                "own_characters": sum(end - start for start, end in layer.own_spans()),
                "sha256": digest(layer.text),
                "object_key": vault.put(f"layer-{layer_id}", json.dumps(layer.as_json()).encode()),
            }

    def _layer(self, layer_id: UUID) -> TextLayer | None:
        name = f"text-layers/{layer_id}.json"
        if not self._bundle.has(name):
            return None
        layer = TextLayer.from_json(self._bundle.document(name))
        if not isinstance(layer.text, str):
            raise InvalidInput("a text layer of the bundle has no text", textLayerID=str(layer_id))
        return layer

    def _restore_features(self) -> None:
        for _, documents in groupby(
            self._bundle.rows("features.json"), lambda document: document["sourceUserDataPackageID"]
        ):
            found = [self._feature(document) for document in documents]
            if self._touched[-1:] != [found[0].source_package_id]:
                self._touched.append(found[0].source_package_id)
            self._counts["features"] += feature_store().put_many(found, self._connection)

    def _feature(self, document: Values) -> FeatureDocument:
        """With an id made anew, so that none of another package can be meant, and a fence that any analysis passes."""
        package_id = UUID(document["sourceUserDataPackageID"])
        if package_id not in self._packages:
            raise InvalidInput("the bundle has features of a package that is not in it")
        analyzer, version = str(document["analyzer"]), str(document["modelVersion"])
        return FeatureDocument(
            feature_set_id=feature_set_id(package_id, analyzer, version),
            user_id=self._user_id,
            source_package_id=package_id,
            modality=Modality(document["modality"]),
            analyzer=analyzer,
            version=version,
            model_name_or_type=str(document["modelNameOrType"]),
            extracted_features=dict(document["extractedFeatures"]),
            timestamp=datetime.fromisoformat(document["timestamp"]),
            processing_time_ms=int(document["processingTimeMs"]),
            status=FeatureStatus(document["status"]),
            error_details=document["errorDetails"],
        )

    def _restore_evidence(self) -> None:
        """Evidence whose text came along is proven again; forged pieces are dropped, and what rests on them alone."""
        damaged: set[UUID] = set()
        pieces = groupby(self._rows(EVIDENCE), lambda values: values["text_layer_id"])
        for layer_id, group in pieces:
            layer = self._layer(layer_id) if layer_id is not None else None
            kept = []
            for values in group:
                proven = self._proven(values, layer)
                kept += [proven] if proven else []
                damaged |= set() if proven else {values["candidate_id"]}
            self._write(EVIDENCE, kept)
        self._drop_unsupported(damaged)

    def _proven(self, values: Values, layer: TextLayer | None) -> Values | None:
        layer_id, where = values["text_layer_id"], values["locator"]
        if layer_id is not None and layer is None:
            self._counts["evidenceUnproven"] += 1
            return {**values, "verified_by": UNPROVEN}
        times = where.get("startTime"), where.get("endTime")
        span = Span(-1, -1, "", *times)
        if layer_id is not None:
            if self._layers.get(layer_id) != values["package_id"]:
                raise InvalidInput("evidence of the bundle points into a text of another package")
            span = Span(int(where["charStart"]), int(where["charEnd"]), values["sha256"], *times)
        if (proof := prove(layer, span)) is None:
            self._counts["evidenceDropped"] += 1
            return None
        self._counts["evidenceProven"] += 1
        # How it was found once is known to whoever found it; that it is there was proven here.
        known = values["verified_by"] if values["verified_by"] != UNPROVEN else str(proof.verified_by)
        return {**values, "verified_by": known}

    def _drop_unsupported(self, damaged: set[UUID]) -> None:
        """A candidate without evidence does not exist, unless the person decided on it."""
        table = ExtractedTraitCandidate
        supported = select(EvidenceSnippet.evidence_id).where(
            EvidenceSnippet.candidate_id == table.candidate_id, EvidenceSnippet.counter.is_(False)
        )
        gone = delete(table).where(
            table.candidate_id.in_(sorted(damaged)),
            table.user_id == self._user_id,
            table.status.not_in(sorted(str(status) for status in DECIDED)),
            ~supported.exists(),
        )
        if damaged:
            self._counts["candidatesDropped"] += self._connection.execute(gone).rowcount


def _ended_run(values: Values) -> Values:
    """What was still open when it was exported is not taken up again here."""
    if RunStatus(values["state"]).final:
        return values
    return {**values, "state": str(RunStatus.CANCELLED), "phase": str(Phase.ENDED), "finished_at": values["moved_at"]}


def _ended_step(values: Values) -> Values:
    if StepStatus(values["state"]).final:
        return values
    return {**values, "state": str(StepStatus.CANCELLED)}


def _known_contribution(values: Values) -> Values:
    """Read once, so that a later merge cannot stumble over it."""
    Contribution.from_json(values["contribution"])
    return values
