"""What packages contribute to candidates gets a table of its own, so that a merge need not rewrite all of it."""

from __future__ import annotations

import json
import math
from statistics import NormalDist
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

#: Figures of the confidence model as of this revision; later ones may change in the code, not here.
_FIRST = {"stated": 6.0, "observed": 4.0, "inferred": 2.0}
_REPEATED = {"stated": (0.9, 0.95, 1.0), "inferred": (1.0, 1.0, 1.0)}
#: Candidates read at once.
_BATCH = 500


def upgrade() -> None:
    op.create_table(
        "candidate_contributions",
        sa.Column("candidate_id", sa.UUID(), nullable=False),
        sa.Column("package_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("contribution", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.candidate_id"],
            name=op.f("fk_candidate_contributions_candidate_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("candidate_id", "package_id", name=op.f("pk_candidate_contributions")),
    )
    op.add_column(
        "candidates",
        sa.Column("totals", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
    )
    _move()
    op.drop_column("candidates", "contributions")
    op.create_index(
        op.f("ix_candidate_contributions_candidate_id_weight_package_id"),
        "candidate_contributions",
        ["candidate_id", "weight", "package_id"],
    )
    op.create_index(op.f("ix_candidate_contributions_package_id"), "candidate_contributions", ["package_id"])
    op.create_index(op.f("ix_candidates_user_id_status"), "candidates", ["user_id", "status"])
    op.drop_index(op.f("ix_evidence_candidate_id"), table_name="evidence")
    op.create_index(
        op.f("ix_evidence_candidate_id_counter_position_evidence_id"),
        "evidence",
        ["candidate_id", "counter", "position", "evidence_id"],
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_evidence_candidate_id_counter_position_evidence_id"), table_name="evidence")
    op.create_index(op.f("ix_evidence_candidate_id"), "evidence", ["candidate_id"])
    op.drop_index(op.f("ix_candidates_user_id_status"), table_name="candidates")
    op.add_column(
        "candidates",
        sa.Column("contributions", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
    )
    op.execute(
        """
        UPDATE candidates SET contributions = whole.contributions
        FROM (
            SELECT candidate_id, jsonb_object_agg(package_id, contribution) AS contributions
            FROM candidate_contributions GROUP BY candidate_id
        ) AS whole
        WHERE whole.candidate_id = candidates.candidate_id
        """
    )
    op.alter_column("candidates", "contributions", server_default=None)
    op.drop_column("candidates", "totals")
    op.drop_table("candidate_contributions")


def _move() -> None:
    connection = op.get_bind()
    insert = sa.text(
        "INSERT INTO candidate_contributions (candidate_id, package_id, user_id, contribution, weight) "
        "VALUES (:candidate, CAST(:package AS UUID), :user, CAST(:one AS JSONB), :weight)"
    )
    update = sa.text("UPDATE candidates SET totals = CAST(:totals AS JSONB) WHERE candidate_id = :candidate")
    after = None
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT candidate_id, user_id, contributions FROM candidates "
                "WHERE contributions <> '{}' AND (CAST(:after AS UUID) IS NULL OR candidate_id > CAST(:after AS UUID)) "
                "ORDER BY candidate_id LIMIT :batch"
            ),
            {"after": after, "batch": _BATCH},
        ).all()
        if not rows:
            return
        for row in rows:
            parts = [
                {"candidate": row.candidate_id, "package": package, "user": row.user_id, "one": json.dumps(one)}
                | {"weight": _weight(one)}
                for package, one in row.contributions.items()
            ]
            connection.execute(insert, parts)
            totals = json.dumps(_totals(row.contributions.values()))
            connection.execute(update, {"candidate": row.candidate_id, "totals": totals})
        after = rows[-1].candidate_id


def _weight(one: dict[str, Any]) -> float:
    if one["certainty"] <= 0:
        return 0.0
    words = one["own_words"]
    amount = 1.0
    if words <= 100:
        amount = 0.6 * words / 100
    elif words < 3000:
        amount = 0.6 + 0.4 * math.log(words / 100) / math.log(30)
    if one["claim_kind"] == "stated" or one["timed"]:
        amount = 1.0
    repeated = _REPEATED.get(one["claim_kind"], (0.7, 0.85, 1.0))
    places = repeated[min(max(one["occurrences"], 1), 3) - 1]
    return _FIRST.get(one["claim_kind"], 0.0) + float(one["certainty"]) * amount * places


def _totals(contributions: Any) -> dict[str, dict[str, int]]:  # noqa: ANN401 - JSON
    totals: dict[str, dict[str, int]] = {}
    for one in contributions:
        words = max(one["own_words"], 1)
        part = {"packages": 1, "occurrences": max(one["occurrences"], 1), "counter": one["counter"], "words": words}
        part["reach"] = round(words * _most(one) * 1_000_000)
        whole = totals.setdefault(one["claim_kind"], dict.fromkeys(part, 0))
        for name, figure in part.items():
            whole[name] += figure
    return totals


def _most(one: dict[str, Any]) -> float:
    """What one package can show at most; for other kinds than inferred it is no sum."""
    if one["claim_kind"] != "inferred":
        return 0.0
    if not one["study"] or one["z"] is None:
        return 0.5
    r, z = min(abs(one["study"]["r"]), 0.48), min(abs(one["z"]), 2.0)
    return NormalDist().cdf(r * z / math.sqrt(1 - r * r))
