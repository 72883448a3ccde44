"""The streamed form: any order of parts, any pieces, anything malformed."""

from __future__ import annotations

import io

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout, UnsupportedMediaType

from app.errors import InvalidInput
from app.web import multipart
from app.web.multipart import Form

BOUNDARY = "----edge"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    extra = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode("utf-8", "surrogatepass") + value + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


class Trickle(io.RawIOBase):
    """A connection that gives its bytes in pieces of given sizes."""

    def __init__(self, data: bytes, sizes: list[int] | None = None, failure: Exception | None = None) -> None:
        self.data, self.sizes, self.failure = data, sizes or [], failure

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        size = min(len(buffer), self.sizes.pop(0) if self.sizes else len(buffer))
        taken, self.data = self.data[:size], self.data[size:]
        if not taken and self.failure:
            raise self.failure
        buffer[: len(taken)] = taken
        return len(taken)


def request_of(body: bytes, *, stream: io.RawIOBase | None = None, content_type: str | None = None) -> Request:
    return Request(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": content_type if content_type is not None else f"multipart/form-data; boundary={BOUNDARY}",
            "wsgi.input": stream or Trickle(body),
            "wsgi.input_terminated": True,
        }
    )


def read(body: bytes, **more: io.RawIOBase | str | None) -> tuple[Form, bytes]:
    request = request_of(body, **more)  # type: ignore[arg-type]
    request.max_content_length = 10 * 2**20
    form = Form(request, "file")
    return form, b"".join(form.file())


@given(
    st.binary(max_size=3000),
    st.permutations([0, 1, 2]),
    st.lists(st.integers(1, 200), max_size=40),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=50),
)
def test_every_file_comes_through_whole_whatever_the_order_and_the_pieces(
    data: bytes, order: list[int], sizes: list[int], text: str
) -> None:
    parts = [part("file", data, "a.txt"), part("sourceDescription", text.encode()), part("metadata", b"{}")]
    body = whole(*(parts[index] for index in order))
    form, got = read(body, stream=Trickle(body, sizes))
    assert got == data
    assert form.values == {"file": "a.txt", "sourceDescription": text, "metadata": "{}"}


@given(st.binary(max_size=400), st.lists(st.integers(1, 60), max_size=20))
def test_whatever_comes_it_is_read_or_refused_and_never_crashes(body: bytes, sizes: list[int]) -> None:
    for mangled in (body, whole(body), part("file", body, "x") + body):
        try:
            read(mangled, stream=Trickle(mangled, list(sizes)))
        except (BadRequest, RequestEntityTooLarge, InvalidInput):
            continue


@pytest.mark.parametrize("cut", [3, 10, 40, 90, 130])
def test_a_form_that_breaks_off_is_malformed(cut: int) -> None:
    body = whole(part("file", b"x" * 50, "a.txt"), part("sourceDescription", b"letters"))
    with pytest.raises(BadRequest):
        read(body[:-cut])


def test_data_that_looks_like_a_boundary_stays_data() -> None:
    data = f"--{BOUNDARY}\r\n\n--{BOUNDARY}--\r\n--{BOUNDARY[:-1]}--\r\n\r\n".encode()
    assert read(whole(part("file", data, "a")))[1] == data


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("letter.txt", "letter.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\\\Users\\\\ann\\\\diary.txt", "diary.txt"),
        ("a\x00b.txt", "a\N{REPLACEMENT CHARACTER}b.txt"),
        ("tab\there", "tab\N{REPLACEMENT CHARACTER}here"),
        ("грусть 😀.txt", "грусть 😀.txt"),
        ("x" * 400, "x" * 255),
        ("", ""),
    ],
)
def test_a_file_name_is_data_and_never_a_path(sent: str, kept: str) -> None:
    assert read(whole(part("file", b"x", sent)))[0].values["file"] == kept


def test_a_file_part_without_a_file_name_is_a_file_all_the_same() -> None:
    form, data = read(whole(part("file", b"words")))
    assert (form.values, data) == ({"file": ""}, b"words")


def test_no_file_means_no_name_and_no_bytes() -> None:
    form, data = read(whole(part("sourceDescription", b"x")))
    assert (form.values, data) == ({"sourceDescription": "x"}, b"")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "multipart/mixed; boundary=x"])
def test_another_kind_of_body_is_415(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read(b"", content_type=content_type)


@pytest.mark.parametrize("boundary", ["", "x" * 71, "ä"])
def test_a_boundary_that_cannot_be_one_is_malformed(boundary: str) -> None:
    with pytest.raises(BadRequest):
        read(b"", content_type=f'multipart/form-data; boundary="{boundary}"')


def test_parts_of_one_name_or_of_none_are_refused() -> None:
    nameless = f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n".encode()
    for parts in ([part("file", b"1", "a"), part("file", b"2", "b")], [part("a", b"1"), part("a", b"2")], [nameless]):
        with pytest.raises(InvalidInput):
            read(whole(*parts))


def test_fields_have_a_limit_together_and_parts_in_number() -> None:
    for parts in (
        [part(f"field{number}", b"x" * 9000) for number in range(8)],
        [part("sourceDescription", b"x" * 70_000)],
        [part(f"field{number}", b"x") for number in range(17)],
        [f"--{BOUNDARY}\r\nX-Long: {'x' * 140_000}".encode()],
    ):
        with pytest.raises(RequestEntityTooLarge):
            read(whole(*parts))


def test_a_field_that_is_no_utf_8_is_malformed() -> None:
    with pytest.raises(BadRequest):
        read(whole(part("sourceDescription", b"\xff\xfe")))


def test_a_client_that_falls_silent_is_told_so_and_one_that_leaves_is_malformed() -> None:
    begun = part("file", b"x" * 50, "a.txt")
    with pytest.raises(RequestTimeout):
        read(b"", stream=Trickle(begun, failure=TimeoutError()))
    with pytest.raises(BadRequest):
        read(b"", stream=Trickle(begun, failure=ConnectionResetError()))


def test_a_client_that_drips_loses_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 50))
    monkeypatch.setattr(multipart.time, "monotonic", lambda: next(clock))
    body = whole(part("file", b"x" * 500, "a.txt"))
    with pytest.raises(RequestTimeout):
        read(body, stream=Trickle(body, [1] * len(body)))


def test_a_large_file_goes_through_in_small_pieces() -> None:
    data = bytes(range(256)) * 20_000
    request = request_of(whole(part("file", data, "a")))
    request.max_content_length = len(data) + 10_000
    pieces = list(Form(request, "file").file())
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 2 * multipart.PIECE


def test_more_than_the_request_may_have_is_413() -> None:
    request = request_of(whole(part("file", b"x" * 5000, "a")))
    request.max_content_length = 1000
    with pytest.raises(RequestEntityTooLarge):
        list(Form(request, "file").file())
