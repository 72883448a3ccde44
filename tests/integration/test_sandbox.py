"""The sandboxed child process for real: what a file may do to it, and what the caller sees of that."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import billiard
import psutil
import pytest

from app.analysis import Blob, Context, Result
from app.errors import Misconfigured, Refusal
from app.perception import sandbox as module
from app.perception.sandbox import Sandbox, sandbox
from app.vocabulary import Authorship, ReasonCode, SegmentKind

NAUGHTY = "tests.unit.perception.naughty"
BLOB = Blob("ein Satz \u2013 a sentence 🙂".encode(), "text/plain")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    sandboxed = Sandbox()
    yield sandboxed
    sandboxed.close()


def call(sandboxed: Sandbox, name: str, *, deadline_s: float = 30, data: bytes | None = None, **options: Any) -> Result:
    blob = BLOB if data is None else Blob(data, "text/plain")
    return sandboxed.call(f"{NAUGHTY}:{name}", blob, Context(Authorship.SELF, options), deadline_s=deadline_s)


def refusal(sandboxed: Sandbox, name: str, **options: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call(sandboxed, name, **options)
    return caught.value


def gone(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        process.wait(10)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        pass
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_result_crosses_the_pipe_unchanged(box: Sandbox) -> None:
    result = call(box, "echo", limit=3)
    assert result.features.pop("pid") == box.pid
    assert result.features == {"type": "text/plain", "authorship": "self", "limit": 3}
    (layer,) = result.layers
    assert layer.text == BLOB.data.decode()
    assert layer.segments[0].kind is SegmentKind.VERSE
    assert layer.segments[0].box == (1, 2, 3, 4)


def test_the_child_is_reused_and_is_not_this_process(box: Sandbox) -> None:
    first, second = call(box, "echo").features["pid"], call(box, "echo").features["pid"]
    assert first == second != os.getpid()


def test_a_refusal_crosses_with_code_message_and_details(box: Sandbox) -> None:
    error = refusal(box, "refuse")
    assert (error.reason.code, error.message, error.details) == (ReasonCode.NEEDS_PASSWORD, "locked", {"pages": 7})


def test_of_an_unexpected_error_only_the_class_name_crosses(box: Sandbox) -> None:
    error = refusal(box, "fail")
    assert error.reason.code is ReasonCode.INTERNAL
    assert "KeyError" in error.message
    assert "words" not in json.dumps(error.reason.as_json())


@pytest.mark.parametrize("name", ["crash", "leave"])
def test_a_child_that_dies_is_a_corrupt_file_and_the_next_call_has_a_new_child(box: Sandbox, name: str) -> None:
    before = call(box, "echo").features["pid"]
    assert refusal(box, name).reason.code is ReasonCode.CORRUPT
    assert call(box, "echo").features["pid"] != before


def test_leaving_by_exception_ends_the_call_and_not_the_child(box: Sandbox) -> None:
    before = call(box, "echo").features["pid"]
    assert "SystemExit" in refusal(box, "system_exit").message
    assert call(box, "echo").features["pid"] == before


def test_a_hanging_call_is_killed_at_its_deadline_with_all_it_started(box: Sandbox, tmp_path: Path) -> None:
    told = tmp_path / "told"
    error = refusal(box, "hang", deadline_s=2, told=str(told))
    assert error.reason.code is ReasonCode.TIMED_OUT
    child, grandchild = map(int, told.read_text().split())
    assert gone(child)
    assert gone(grandchild)
    assert call(box, "echo").features["pid"] != child


def test_a_busy_loop_is_killed_at_its_deadline(box: Sandbox) -> None:
    assert refusal(box, "spin", deadline_s=1).reason.code is ReasonCode.TIMED_OUT


def test_a_busy_loop_ends_by_itself_where_the_parent_cannot_act(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask_patiently(child: Any, header: dict[str, Any], payload: bytes, _: float) -> dict[str, Any]:
        head = json.dumps(header).encode()
        child.channel.sendall(module.HEAD.pack(len(head), len(payload)) + head + payload)
        return child.hear(time.monotonic() + 60)

    monkeypatch.setattr(module._Child, "ask", ask_patiently)
    assert refusal(box, "spin", deadline_s=1).reason.code is ReasonCode.TIMED_OUT


def test_memory_without_end_is_refused_and_the_machine_never_gave_it(box: Sandbox) -> None:
    error = refusal(box, "hoard")
    assert error.reason.code is ReasonCode.LIMIT_EXCEEDED
    assert error.details == {"limit": "memory"}


def test_a_small_memory_limit_holds() -> None:
    small = Sandbox(memory_bytes=2**28)
    try:
        assert refusal(small, "hoard").reason.code is ReasonCode.LIMIT_EXCEEDED
    finally:
        small.close()


def test_nesting_without_end_is_a_limit_and_no_crash(box: Sandbox) -> None:
    assert refusal(box, "recurse").details == {"limit": "nesting"}


def test_an_answer_larger_than_the_cap_is_refused(box: Sandbox) -> None:
    error = refusal(box, "flood")
    assert (error.reason.code, error.details) == (ReasonCode.LIMIT_EXCEEDED, {"limit": "answer"})


def test_a_large_upload_passes(box: Sandbox) -> None:
    assert call(box, "size", data=bytes(50 * 2**20)).features == {"bytes": 50 * 2**20}


def test_the_network_cannot_be_reached(box: Sandbox) -> None:
    if box.warm()["network"]:
        pytest.skip("this machine does not let a process give up its network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = call(box, "connect", port=server.getsockname()[1]).features
    assert not found["reached"]


def test_the_child_has_little_environment_no_new_privileges_and_a_group_of_its_own(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHO_JWT_SECRET", "sesame")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
    box.close()
    found = call(box, "look_around").features
    assert "sesame" not in json.dumps(found["environment"])
    assert found["environment"]["OMP_NUM_THREADS"] == "1"
    assert found["no_new_privileges"] == "1"
    assert found["core"] == 0
    assert found["group"] == found["pid"] != os.getpgid(0)


def test_large_files_cannot_be_written(box: Sandbox, tmp_path: Path) -> None:
    error = refusal(box, "write_large", path=str(tmp_path / "large"))
    assert error.reason.code is ReasonCode.INTERNAL
    assert (tmp_path / "large").stat().st_size < 200 * 2**20


def test_what_a_library_prints_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    loud = Sandbox()
    try:
        call(loud, "shout")
    finally:
        loud.close()
    out, err = capfd.readouterr()
    assert "words" not in out + err


def test_a_child_is_replaced_after_its_number_of_calls() -> None:
    few = Sandbox(max_calls=2)
    try:
        pids = [call(few, "echo").features["pid"] for _ in range(4)]
    finally:
        few.close()
    assert pids[0] == pids[1] != pids[2] == pids[3]
    assert gone(pids[0])


def test_a_child_that_stayed_large_is_replaced(monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> None:
    monkeypatch.setattr(module, "MAX_RESIDENT", 100 * 2**20)
    fat = call(box, "swell", mebibytes=150).features["pid"]
    assert call(box, "echo").features["pid"] != fat


def test_a_child_killed_while_idle_is_replaced_and_no_file_is_blamed(box: Sandbox) -> None:
    pid = call(box, "echo").features["pid"]
    os.kill(pid, signal.SIGKILL)
    psutil.Process(pid).wait(10) if psutil.pid_exists(pid) else None
    assert call(box, "echo").features["pid"] != pid


def test_a_child_killed_from_outside_in_the_middle_is_a_limit(box: Sandbox, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(refusal, box, "hang", deadline_s=60, told=str(told))
        pid = None
        while pid is None or not told.exists() or not told.read_text():
            pid = box.pid
        os.kill(int(told.read_text().split()[0]), signal.SIGKILL)
        assert waiting.result(30).reason.code is ReasonCode.LIMIT_EXCEEDED


def test_threads_share_a_child_and_get_their_own_answers(box: Sandbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: call(box, "echo", data=f"text {n}".encode(), n=n), range(40)))
    assert [r.features["n"] for r in results] == list(range(40))
    assert [r.layers[0].text for r in results] == [f"text {n}" for n in range(40)]
    assert len({r.features["pid"] for r in results}) == 1


def test_the_child_outlives_the_thread_that_first_called_it() -> None:
    own = Sandbox()
    try:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(call, own, "echo").result().features["pid"]
        gc.collect()
        assert call(own, "echo").features["pid"] == first
    finally:
        own.close()


def test_an_interrupt_in_the_middle_leaves_no_answer_for_the_next_caller(box: Sandbox) -> None:
    class SoftLimit(Exception):
        pass

    def ring(*_: object) -> None:
        raise SoftLimit

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(SoftLimit):
            call(box, "spin")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert call(box, "echo", data=b"mine").layers[0].text == "mine"


def test_a_new_child_is_warmed_and_so_is_its_successor() -> None:
    warm = Sandbox(["colorsys", f"{NAUGHTY}:warm_up"])
    try:
        assert call(warm, "is_warm").features == {"warm": True, "loaded": True}
        refusal(warm, "crash")
        assert call(warm, "is_warm").features == {"warm": True, "loaded": True}
    finally:
        warm.close()


def test_warming_with_a_module_that_is_not_there_says_so_and_calls_go_on() -> None:
    own = Sandbox()
    try:
        with pytest.raises(Misconfigured, match="ModuleNotFoundError"):
            own.warm(["no_such_module_anywhere"])
        refusal(own, "crash")
        assert call(own, "echo").features["type"] == "text/plain"
    finally:
        own.close()


@pytest.mark.parametrize("name", ["os.system", "os:system('x')", "../x:y", "", "naughty:echo:x"])
def test_an_implementation_must_be_a_name(box: Sandbox, name: str) -> None:
    with pytest.raises(Misconfigured):
        box.call(name, BLOB, Context(), deadline_s=1)


def test_the_child_dies_with_its_parent() -> None:
    program = (
        "from app.perception.sandbox import sandbox; import signal\n"
        "own = sandbox(); own.warm(); print(own.pid, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    assert gone(pid)


def _in_a_pool_process(queue: billiard.Queue) -> None:
    own = sandbox()
    result = own.call(f"{NAUGHTY}:echo", BLOB, Context(), deadline_s=30)
    queue.put((os.getpid(), result.features["pid"], result.layers[0].text))


def test_it_works_in_a_daemonic_pool_process_and_each_process_has_its_own() -> None:
    here = sandbox()
    here.warm()
    queue = billiard.Queue()
    process = billiard.Process(target=_in_a_pool_process, args=(queue,), daemon=True)
    process.start()
    parent, child, text = queue.get(timeout=60)
    process.join(30)
    assert parent != os.getpid()
    assert child != here.pid
    assert text == BLOB.data.decode()
    assert call(here, "echo").features["pid"] == here.pid
    here.close()
    assert gone(child)


@pytest.mark.skipif(not shutil.which("tesseract"), reason="Tesseract is not installed")
def test_recognition_leaves_no_page_behind(box: Sandbox) -> None:
    from tests.unit.perception.perception_inputs import picture, png

    data = png(picture(["We walked along the river", "until the lamps were lit"]))
    result = box.call("app.perception.images:ocr", Blob(data, "image/png"), Context(), deadline_s=60)
    assert "river" in result.layers[0].text
    left = call(box, "look_around").features["shared_memory"]
    assert not [name for name in left if name.startswith(("tess_", "echosphere-page-"))]
    for folder in (Path(tempfile.gettempdir()), Path("/dev/shm")):  # noqa: S108 - that nothing lies there is the point
        assert not [*folder.glob("tess_*"), *folder.glob("echosphere-page-*")]
