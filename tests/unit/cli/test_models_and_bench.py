"""`models`, `bench` and the doctor's word on language models, without a fleet and without a network."""

from __future__ import annotations

import json
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from app.analyzers.neural import models
from config.settings import Settings
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


@pytest.mark.parametrize(
    "address",
    [
        "proxy.example:8443/sk-secret",
        "proxy.example",
        "ftp://proxy.example",
        "https://",
        "https://:8443",
        "http://[::1",
        "http://proxy.example:sk-secret",
        "http://proxy.example:99999",
    ],
)
def test_an_address_that_is_none_is_shown_by_the_doctor_and_refused_by_every_process(
    tmp_path: Path, address: str
) -> None:
    wrong = {"ECHO_ANTHROPIC_API_KEY": "sk-secret", "ECHO_ANTHROPIC_BASE_URL": address}
    told = run("doctor", "--json", home=tmp_path, **wrong)
    assert told.returncode == 1, told.stderr
    (check,) = json.loads(told.stdout)["checks"]
    assert (check["name"], check["state"]) == ("settings", "failed")
    assert check["detail"].startswith("ECHO_ANTHROPIC_BASE_URL: ")
    assert "scheme and host" in check["detail"]
    assert "sk-secret" not in told.stdout + told.stderr
    with pytest.raises(ValidationError, match="scheme and host"):
        Settings(anthropic_base_url=address)


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:9", "https://proxy.example/anthropic", "http://[::1]:80"])
def test_an_address_with_scheme_and_host_is_taken_as_it_is(address: str) -> None:
    assert Settings(anthropic_base_url=address).anthropic_base_url == address


def whole(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(10))
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A hub that has every repository; where it was told to put them."""
    asked: list[Path] = []

    def download(_repository: str, *, local_dir: Path, **_more: object) -> None:
        asked.append(local_dir)
        whole(local_dir)

    hub = SimpleNamespace(snapshot_download=download, __spec__=ModuleSpec("huggingface_hub", None))
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    return asked


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../beside", "a/b", "/", "UPPER", "-a", ".hidden", "a.part", "a\n", "a" * 65, "../beside/."]
)
def test_a_name_that_is_no_folder_of_a_model_removes_nothing(tmp_path: Path, hub: list[Path], name: str) -> None:
    place, beside = tmp_path / "models", whole(tmp_path / "beside")
    mine = whole(place / "mine")
    (problem,) = models.pull([f"{name}=some/repository"], place, lambda _line: None)
    assert "cannot be named" in problem
    assert (models.installed(mine), models.installed(beside), hub) == (True, True, [])
    assert {path.name for path in tmp_path.iterdir()} == {"models", "beside"}


def test_a_model_under_a_name_of_ones_own_replaces_that_one_alone(tmp_path: Path, hub: list[Path]) -> None:
    for name in ("mine", "mine-too"):
        whole(tmp_path / name)
    (tmp_path / "mine" / "of-the-old-one").write_text("")
    assert models.pull(["mine=some/repository"], tmp_path, lambda _line: None) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "mine-too"]
    assert not (tmp_path / "mine" / "of-the-old-one").exists()
    assert models.pull(["mine=another/repository"], tmp_path, lambda _line: None) == []
    first, second = hub
    assert first != second
    assert (first.parent, first.suffix) == (second.parent, second.suffix) == (tmp_path, ".part")


def test_a_model_that_is_not_whole_yet_is_not_listed(tmp_path: Path) -> None:
    for name in ("mine", "mine.0a1b2c3d.part", "sentiment.part"):
        whole(tmp_path / name)
    assert [one.name for one in models.local(tmp_path) if one.present] == ["mine"]
