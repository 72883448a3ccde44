"""A person with enough of everything to fill a bundle, and the bundle as a file."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text, update

from app.database import transaction
from app.layers import Segment, TextLayer
from app.models import PackageKey, Run, UserDataPackage
from app.services import bundle, consents, graph, review, styles
from app.services.merge import merge
from app.vault import delete_objects, open_package
from tests.integration.persona import WORDS, Person, about, finding

#: Text that would break a format which does not quote.
NAUGHTY = "It's \\u0041 \"so\" </data> & `x`\n\\' }); MATCH (n) DETACH DELETE n; // \u2028 \U0001f600"


def upload(person: Person, package_id: UUID, data: bytes) -> None:
    """Give a package that was made with its text alone the bytes it was read from."""
    from hashlib import sha256

    with transaction() as connection:
        key = connection.execute(select(PackageKey.wrapped_key).where(PackageKey.package_id == package_id)).scalar_one()
        stored = open_package(person.user_id, package_id, key).put("original", data)
        connection.execute(
            update(UserDataPackage)
            .where(UserDataPackage.package_id == package_id)
            .values(object_key=stored, size_bytes=len(data), sha256=sha256(data).hexdigest())
        )


def fill(person: Person, words: str = WORDS) -> UUID:
    """Packages, candidates, decisions of every kind, an own trait, styles, and a consent that was taken back."""
    layer = TextLayer(words, segments=(Segment(0, len(words), start_time=1.5, end_time=9.0),))
    first, second = person.package(layer=layer), person.package(words)
    for package_id in (first, second):
        upload(person, package_id, words.encode())
    facts = [
        finding(key, name, category=category, claim_kind="stated", evidence=[quote])
        for key, name, category, quote in (
            ("topic:chess", "Chess", "Interest", "Perhaps I think too much about chess."),
            ("stated:thanks", "Says thank you", "CommunicationStyle", "I thank you for the book."),
            ("stated:born", "Was born in Boston", "Other", "I was born in Boston"),
        )
    ]
    chess = about("chess", 4, general=["board games"], near=["patience"])
    told = [chess, about("board games"), about("patience", 2, near=["chess"]), about("Schrödinger's cats & dogs")]
    merge(person.analysed(first, finding(counter=["I never miss a morning by the river."]), *facts, concepts=told))
    merge(person.analysed(second, finding(), facts[0], concepts=told[:3]))
    by_name = {row.trait_name: UUID(str(row.candidate_id)) for row in person.candidates().values()}
    assert by_name.keys() >= {"Chess", "Says thank you", "Was born in Boston"}, by_name.keys()
    review.act(person.user_id, by_name["Chess"], {"userDecision": "confirmed_asis"})
    said = {"refinedTraitName": NAUGHTY.split("\n", maxsplit=1)[0], "customizationNotes": NAUGHTY.replace("\u2028", "")}
    review.act(person.user_id, by_name["Says thank you"], {"userDecision": "confirmed_modified", "modifications": said})
    review.act(person.user_id, by_name["Was born in Boston"], {"userDecision": "rejected", "rejectionReason": "no"})
    review.act(person.user_id, by_name["Was born in Boston"], {"undo": True})
    review.act(person.user_id, by_name["Was born in Boston"], {"userDecision": "rejected"})
    review.add_trait(person.user_id, {"traitName": "Plays the cello", "traitCategory": "Skill"})
    styles.put_styles(person.user_id, {"tone": NAUGHTY, "formality": 0.25, "emoji": False, "words": ["a", "b"]})
    ended = consents.grant(person.user_id, ["share:research"], "for a study")
    consents.revoke(person.user_id, UUID(ended["consentTokenID"]))
    with transaction() as connection:
        connection.execute(
            update(Run).where(Run.user_id == person.user_id, Run.state == "running").values(state="done")
        )
    return first


def exported(user_id: str, folder: Path, *, sources: bool = True, name: str = "persona.zip") -> Path:
    file = folder / name
    with file.open("wb") as sink:
        sink.writelines(bundle.export(user_id, sources=sources).chunks)
    return file


def member(file: Path, name: str) -> Any:
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read(name))


def contents(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def packed(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def wipe(user_id: str, *, ledger: bool = False) -> None:
    """What an empty system knows of the person: nothing, but perhaps that they once consented."""
    from app.models import Base

    with transaction() as connection:
        packages = select(UserDataPackage.package_id).where(UserDataPackage.user_id == user_id)
        found = connection.execute(packages).scalars().all()
        if ledger:
            connection.execute(text("ALTER TABLE consent_ledger DISABLE TRIGGER USER"))
        for table in reversed(Base.metadata.sorted_tables):
            if "user_id" in table.c and (ledger or table.name != "consent_ledger"):
                connection.execute(delete(table).where(table.c.user_id == user_id))
        if ledger:
            connection.execute(text("ALTER TABLE consent_ledger ENABLE TRIGGER USER"))
    for package_id in found:
        delete_objects(user_id, package_id)


def digest(user_id: str) -> str:
    return graph.rebuild(user_id)[user_id]
