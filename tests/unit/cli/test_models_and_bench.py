"""`models`, `bench` and the doctor's word on language models, without a fleet and without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.analyzers.neural import models
from tests.unit.cli.test_main import run


def prices(folder: Path, **more: object) -> Path:
    row = {"input": "1", "output": "5", "cache_write": "1.25", "cache_read": "0.1", "context": 1000, **more}
    file = folder / "prices.json"
    file.write_text(json.dumps({"date": "2026-02", "models": {"mine": row}}))
    return file


def test_prices_and_local_models_are_shown_without_a_database_which_it_says(tmp_path: Path) -> None:
    place = tmp_path / "models" / "emotion"
    place.mkdir(parents=True)
    (place / "config.json").write_text("{}")
    (place / "model.safetensors").write_bytes(bytes(1000))
    (place / models.REVISION).write_text("58b6c5b\n")
    above = {"prompt": 500, "input": "2", "output": "10", "cache_write": "2.5", "cache_read": "0.2"}
    file = prices(tmp_path, verified=True, above=above)
    told = run("models", "list", "--json", home=tmp_path, ECHO_LLM_MODELS=str(file), ECHO_ANTHROPIC_MODEL="mine-2026")
    assert told.returncode == 0, told.stderr
    assert "database" in told.stderr
    said = json.loads(told.stdout)
    assert said["measured"] is None
    (row,) = said["models"]
    assert (row["name"], row["chosen"], row["verified"], row["date"], row["context"]) == (
        "mine", True, True, "2026-02", 1000,
    )  # fmt: skip
    assert row["price"] == {"input": 1.0, "output": 5.0, "cacheWrite": 1.25, "cacheRead": 0.1}
    assert (row["above"]["promptTokens"], row["above"]["price"]["output"]) == (500, 10.0)
    by = {one["name"]: one for one in said["local"]}
    assert (by["emotion"]["present"], by["emotion"]["revision"], by["emotion"]["bytes"]) == (True, "58b6c5b", 1010)
    assert (by["sentiment"]["present"], by["sentiment"]["revision"], by["sentiment"]["bytes"]) == (False, None, 0)


def test_a_chosen_model_without_a_price_is_said_and_the_table_shown(tmp_path: Path) -> None:
    told = run("models", "list", home=tmp_path, ECHO_ANTHROPIC_MODEL="nobodys", ECHO_LLM_MODELS=str(prices(tmp_path)))
    assert told.returncode == 0
    assert "nobodys" in told.stderr
    assert "mine" in told.stdout
    assert "chosen" not in told.stdout


@pytest.mark.parametrize(
    ("arguments", "status"), [(("feelings",), 1), (("feelings", "--optional"), 0), (("sentiment",), 1)]
)
def test_a_model_that_cannot_be_fetched_is_a_sentence(tmp_path: Path, arguments: tuple[str, ...], status: int) -> None:
    told = run("models", "pull", *arguments, home=tmp_path, HF_HUB_OFFLINE="1")
    assert (told.returncode, told.stdout) == (status, "")
    assert "Traceback" not in told.stderr
    assert arguments[0] in told.stderr


def test_the_revision_is_kept_with_the_weights(tmp_path: Path) -> None:
    noted = tmp_path / ".cache" / "huggingface" / "download"
    noted.mkdir(parents=True)
    models._note_revision(tmp_path / "nothing")
    (noted / "config.json.metadata").write_text("58b6c5b44a7a12093f782442969019c7e2982299\netag\n0\n")
    models._note_revision(tmp_path)
    assert (tmp_path / models.REVISION).read_text() == "58b6c5b44a7a12093f782442969019c7e2982299\n"


def test_bench_hands_its_arguments_to_the_benchmark(tmp_path: Path) -> None:
    told = run("bench", "--rounds", "many", home=tmp_path)
    assert told.returncode == 2
    assert "--rounds" in told.stderr
    assert "invalid int value" in told.stderr


def test_bench_outside_a_checkout_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.cli import main
    from app.cli.commands import bench

    monkeypatch.setattr(bench, "BENCHMARK", tmp_path / "benchmarks" / "fleet.py")
    monkeypatch.setattr("sys.argv", ["echosphere", "bench"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "checkout" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "state", "word"),
    [
        ({}, "warning", "no key"),
        ({"ECHO_ANTHROPIC_API_KEY": "sk-secret"}, "ok", "claude-sonnet-5-5"),
        ({"ECHO_ANTHROPIC_API_KEY": "sk-secret", "ECHO_ANTHROPIC_MODEL": "nobodys"}, "failed", "nobodys"),
        (
            {"ECHO_ANTHROPIC_API_KEY": "sk-secret", "ECHO_ANTHROPIC_BASE_URL": "http://a:sk-secret@127.0.0.1:9/sk-secret"},
            "ok",
            "http://127.0.0.1:9,",
        ),
    ],
)  # fmt: skip
def test_the_doctor_says_whether_a_language_model_is_set_up_and_asks_nobody(
    tmp_path: Path, environment: dict[str, str], state: str, word: str
) -> None:
    told = run("doctor", "--json", home=tmp_path, **environment)
    (check,) = [one for one in json.loads(told.stdout)["checks"] if one["name"] == "language model"]
    assert check["state"] == state
    assert word in check["detail"]
    assert "sk-secret" not in told.stdout + told.stderr
