"""Erasure while everything moves: two persons are analysed, workers are killed at random, and one of the two leaves."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from neo4j import GraphDatabase
from pymongo import MongoClient

from app.models import Base
from config.broker import redis_client
from scripts.stores.aws import BUCKET, Aws
from scripts.stores.mongodb import FerretDB
from scripts.stores.neo4j import Neo4jServer
from scripts.stores.server import LocalServer
from tests.acceptance.conftest import Fleet, letter

pytestmark = pytest.mark.fleet

#: A sentence and a name that nothing else holds.
CANARY = "Zephyrine the ostrich whistled nocturnes at Quimperlé station"
NAMED = "ostrich-chronicle"
#: Tables that stay, for proof; they hold ids.
STAYING = {"consent_ledger", "access_log", "erasures"}


def _letters(folder: Path, name: str, extra: str = "", count: int = 25) -> list[str]:
    folder.mkdir()
    files = [folder / f"{name}-{number}.txt" for number in range(count)]
    for number, file in enumerate(files):
        file.write_text(letter(number, words=300, extra=extra))
    return [str(file) for file in files]


def _said(got: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What is said of a person, without ids and times, and without the figures of one of several equal packages."""
    names = ("traitName", "traitCategory", "claimKind", "confidenceScore", "status")
    return sorted(tuple(candidate[name] for name in names) for candidate in got["candidates"])


def _everywhere(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Everything that is stored, as text, by where it is: rows, Redis, objects and logs."""
    for table in sorted(Base.metadata.tables):
        for row in fleet.sql(f"SELECT held::text AS held FROM {table} AS held"):  # noqa: S608 - our own tables
            yield table, row["held"]
    for name in ("ECHO_BROKER_URL", "ECHO_RESULT_URL"):
        url = fleet.environment.get(name) or fleet.settings()[name]
        if url.startswith("amqp"):
            continue
        client = redis_client(url)
        for key in client.scan_iter(count=1000):
            yield "redis", repr((key, _value(client, key)))
        client.close()
    for server in fleet.stores:
        yield from _in_store(server)
    for path in fleet.home.rglob("*"):
        if path.is_file() and "postgres" not in path.relative_to(fleet.home).parts[0]:
            yield path.name, path.read_bytes().decode("utf-8", "replace")


def _in_store(server: LocalServer) -> Iterator[tuple[str, str]]:
    """Everything that a store holds, read by its own client."""
    match server:
        case FerretDB():
            client = MongoClient[dict[str, Any]](server.url)
            yield from (("mongodb", repr(one)) for one in client.get_default_database().raw_features.find())
            client.close()
        case Neo4jServer():
            with GraphDatabase.driver(server.settings()["ECHO_GRAPH_URL"]) as driver:
                for query in (
                    "MATCH (n) RETURN properties(n) AS held",
                    "MATCH ()-[r]->() RETURN properties(r) AS held",
                ):
                    yield from (("neo4j", repr(record["held"])) for record in driver.execute_query(query).records)
        case Aws():
            s3 = server.client("s3")
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
                yield from (("s3", one["Key"]) for one in page.get("Contents", ()))


def _value(client: Any, key: bytes) -> Any:
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"hash":
            return client.hgetall(key)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1)
        case _:
            return None


def _receipt(fleet: Fleet, user: str, seconds: float = 90) -> dict[str, Any]:
    """The receipt of the person's newest erasure, once it is there."""
    fleet.until(
        "SELECT 1 FROM erasures WHERE user_id = %s HAVING count(*) > 0 AND bool_and(state = 'done')",
        user,
        seconds=seconds,
    )
    newest = "SELECT receipt FROM erasures WHERE user_id = %s ORDER BY requested_at DESC LIMIT 1"
    found: dict[str, Any] = fleet.sql(newest, user)[0]["receipt"]
    return found


@pytest.mark.brokers("redis", "stores")
def test_one_of_two_persons_is_erased_while_workers_are_killed(fleet: Fleet, tmp_path: Path) -> None:
    seed = int(os.environ.get("ECHO_TEST_SEED") or time.time())
    print(f"erasure seed {seed}")  # noqa: T201 - the seed is needed to repeat it
    rng = random.Random(seed)
    leaving, staying, beside = (f"{name}-{seed}" for name in ("leaving", "staying", "beside"))
    files = _letters(tmp_path / "stays", "letter")
    ours = _letters(tmp_path / "leaves", NAMED, extra=f"{CANARY}.")
    theirs = fleet.start("analyze", *files, "--user", staying, "--authorship", "self", "--json")
    mine = fleet.start("analyze", *ours, "--user", leaving, "--authorship", "self", "--json")
    try:
        fleet.until("SELECT 1 FROM evidence WHERE user_id = %s", leaving)
        packages = [
            str(row["package_id"]) for row in fleet.sql("SELECT package_id FROM packages WHERE user_id = %s", leaving)
        ]
        erasing = fleet.start("erase", "--all", "--user", leaving, "--yes", "--json")
        kills, end = 0, time.monotonic() + 15
        while time.monotonic() < end:
            kinds = ["workers.text", "workers.text", "workers.control", "workers.maintenance"]
            kills += fleet.kill(rng.choice(kinds), rng)
            time.sleep(rng.uniform(0.3, 1.2))
        printed, _ = erasing.communicate(timeout=240)
        assert erasing.returncode == 0, f"seed {seed}: {printed[-600:]}"
    finally:
        mine.kill()
        mine.communicate()
    got = json.loads(theirs.communicate(timeout=240)[0])
    receipt = json.loads(printed)
    assert kills
    assert receipt["clean"], f"seed {seed}: {receipt}"
    assert all(store["after"] == 0 for store in receipt["stores"])
    assert {package["runStatus"] for package in got["packages"]} == {"done"}, f"seed {seed}"
    gone = [CANARY, "Zephyrine", NAMED, *packages]
    where = {
        place
        for place, held in _everywhere(fleet)
        if place not in STAYING and not place.startswith(tuple(packages)) and place != receipt["erasureID"]
        for needle in gone
        if needle in held and not (place.endswith(".log") and needle in packages)
    }
    assert not where, f"seed {seed}: {where}"
    undisturbed = fleet.json("analyze", *files, "--user", beside, "--authorship", "self")
    assert _said(got) == _said(undisturbed), f"seed {seed}"


def test_an_upload_is_erased_while_its_worker_lingers_and_is_killed(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "lingers.txt"
    file.write_text(letter(7, extra="PLEASE LINGER."))
    running = fleet.start("analyze", str(file), "--user", "lingers", "--json")
    try:
        fleet.until(
            "SELECT 1 FROM steps WHERE user_id = 'lingers' AND analyzer = 'text.sentiment' AND state = 'running'"
        )
        package = str(fleet.sql("SELECT package_id FROM packages WHERE user_id = 'lingers'")[0]["package_id"])
        erasing = fleet.start("erase", package, "--yes", "--json")
        fleet.until("SELECT 1 FROM erasures WHERE user_id = 'lingers'")
        assert fleet.kill("workers.text")
        printed, _ = erasing.communicate(timeout=120)
    finally:
        running.kill()
        running.communicate()
    assert json.loads(printed)["clean"]
    assert _receipt(fleet, "lingers")["packageIDs"] == [package]
    assert not fleet.sql("SELECT 1 FROM candidates WHERE user_id = 'lingers'")


def test_what_is_due_is_erased_at_once_when_asked_for(fleet: Fleet) -> None:
    token = fleet.run("token", "--user", "due").stdout.strip()
    address = f"{fleet.json('status')['url']}/v1/users/due"
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        grant = {"scopes": ["analyse:text:local"], "purpose": "for an hour"}
        consent = client.post(f"{address}/consents", json=grant).json()["consentTokenID"]
        form = {"sourceDescription": "a letter", "consentTokenID": consent}
        sent = client.post(f"{address}/data/upload", data=form, files={"file": ("letter.txt", letter(8))})
        assert sent.status_code == 202
    kept = Fleet(fleet.home, {**fleet.environment, "ECHO_RETENTION_DAYS": '{"for years": 0}'})
    assert kept.json("erase-due") == {"erasureIDs": []}
    due = Fleet(fleet.home, {**fleet.environment, "ECHO_RETENTION_DAYS": '{"for an hour": 0}'})
    assert len(due.json("erase-due")["erasureIDs"]) == 1
    receipt = _receipt(fleet, "due")
    assert receipt["clean"]
    assert receipt["packageIDs"] == [sent.json()["packageID"]]
