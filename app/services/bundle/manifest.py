"""`manifest.json`, its signature, and the text for a person who opens the bundle in ten years."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from app.vault import Signer

FORMAT = "echosphere-bundle"
#: Raised where an older reader would misread a bundle.
FORMAT_VERSION = 1

MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.jws", "public-key.json"

README = """\
This archive holds what EchoSphere knew about one person: their traits, why each of them was proposed, and what the
person decided. It is theirs. Everything in it is plain text in open formats and can be read without EchoSphere.

  persona.jsonld               the person, the traits they settled on, their concepts (schema.org, SKOS, JSON-LD)
  traits.json                  the same traits as plain JSON
  decisions.json               everything the person decided, oldest first
  candidates.json              everything that was proposed, with how sure the software was
  contributions.json           what each upload added to each proposal
  evidence.json                where in the uploads each proposal was seen (positions and checksums)
  concepts.json                what each upload is about, and in how many places
  concept-relations.json       how it relates these concepts to each other
  annotations.jsonld           the same places with the person's own words (W3C Web Annotation, JSON-LD)
  provenance.jsonld            what was made from what, when and by which program (W3C PROV-O, JSON-LD)
  consents.jsonld              what the person had agreed to (W3C Data Privacy Vocabulary, JSON-LD)
  communication-styles.json    how the person wants to be spoken to
  packages.json                the uploads: name, kind, size, checksum
  text-layers.json             the texts read out of them: language, length, checksum
  runs.json, steps.json        the analyses and their single steps
  features.json                what each analyzer measured: counts, scores and places
  graph.graphml, graph.cypher  the knowledge graph, for graph programs (networkx, Gephi; Neo4j)
  sources/ID/original          the uploads themselves, as they were (only if the person wanted them in here)
  text-layers/ID.json          the texts themselves (likewise); `text` holds the words
  manifest.json                a list of all of these files with size and SHA-256 checksum
  manifest.jws                 a signature over manifest.json (JWS, Ed25519): its payload holds the file's SHA-256
  public-key.json              the key that checks the signature (JWK)

IDs are the same in all files. Positions in texts count Unicode code points from 0. Times are in UTC. Each array has one
entry a line. To bring everything back into an EchoSphere: echosphere import FILE
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the bundle.

    Attributes:
        name: path in the zip.
        size: in bytes, unpacked.
        sha256: of its bytes.
    """

    name: str
    size: int
    sha256: str


def manifest(
    user_id: str, members: Sequence[Member], counts: Mapping[str, int], *, sources: bool, graph_digest: str
) -> bytes:
    """What is in the bundle."""
    document = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "software": f"EchoSphere {version('echosphere')}",
        "userID": user_id,
        "createdAt": datetime.now(UTC).isoformat(),
        "sources": sources,
        "graphDigest": graph_digest,
        "counts": dict(counts),
        "members": [asdict(member) for member in members],
    }
    return json.dumps(document, indent=1).encode()


def signed(content: bytes, signer: Signer) -> bytes:
    """The signature over a manifest: a JWS whose payload names it by its digest."""
    return signer.sign(claim(content)).encode()


def claim(content: bytes) -> dict[str, Any]:
    """What is signed."""
    return {"format": FORMAT, "manifestSHA256": hashlib.sha256(content).hexdigest()}
