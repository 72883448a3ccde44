from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.layers import TextLayer
from app.perception import markdown

POST = """---
title: Why I left
date: "2018-02-28"
tags: [work]
---

For four years I worked at a [large firm](https://firm.example/about), and I **left** in `May`.

## The first two years

{{<img src="desk.webp" alt="My desk" max-width="750px">}}

> You will be back.

- I wanted *control*
- I wanted time
  for my family

1. first

```python
print("hello")
```

| Tool | Note |
| --- | --- |
| Tests | I love testing, and I pay for it. |

<div class="x">markup</div>

{{<notice>}}
I do not miss it.
{{</notice>}}

---

[^1]: A footnote by nobody.
"""


def read(text: str) -> TextLayer:
    return markdown.read(text.encode())[0]


def kinds(layer: TextLayer) -> list[tuple[str, str]]:
    return [(str(s.kind), layer.text[s.start : s.end]) for s in layer.segments]


def test_the_layer_is_the_source_and_every_stretch_has_its_kind() -> None:
    layer = read(POST)
    assert layer.text == POST
    found = kinds(layer)
    assert found[0][0] == "front_matter"
    assert found[1:] == [
        (
            "paragraph",
            "For four years I worked at a [large firm](https://firm.example/about), and I **left** in `May`.",
        ),
        ("heading", "The first two years"),
        ("furniture", '{{<img src="desk.webp" alt="My desk" max-width="750px">}}'),
        ("quotation", "> You will be back."),
        ("list_item", "I wanted *control*"),
        ("list_item", "I wanted time\n  for my family"),
        ("list_item", "first"),
        ("code", '```python\nprint("hello")\n```'),
        ("table", "| Tool | Note |\n| --- | --- |\n| Tests |"),
        ("paragraph", "I love testing, and I pay for it."),
        ("table", "|"),
        ("code", '<div class="x">markup</div>'),
        ("paragraph", "I do not miss it."),
        ("furniture", "---"),
        ("editorial", "[^1]: A footnote by nobody."),
    ]


def test_the_date_of_the_front_matter_dates_every_segment() -> None:
    layer = read(POST)
    assert layer.facts == {"encoding": "utf-8", "register": "essay_blog", "date": "2018-02-28"}
    assert {s.date for s in layer.segments[1:]} == {"2018-02-28"}


def test_a_post_without_front_matter_has_no_date() -> None:
    layer = read("# A day\n\nIt rained.\n")
    assert kinds(layer) == [("heading", "A day"), ("paragraph", "It rained.")]
    assert layer.segments[1].date is None


def test_line_ends_of_other_systems_do_not_shift_segments() -> None:
    assert kinds(read(POST.replace("\n", "\r\n"))) == kinds(read(POST))


@pytest.mark.parametrize("text", ["- - - a\n", ">" * 300 + " deep\n", "[" * 5000, "* " * 500 + "x", "|" * 3000])
def test_deep_or_odd_nesting_is_read(text: str) -> None:
    assert read(text).text == text


@given(
    st.lists(
        st.sampled_from(
            ["# h", "> q", "- i", "1. n", "    code", "```", "| a | b |", "|---|---|", "word.", "", "***", "<b>"]
        ),
        max_size=25,
    )
)
def test_segments_never_overlap_and_stay_in_the_text(lines: list[str]) -> None:
    layer = read("\n".join(lines))
    position = 0
    for segment in layer.segments:
        assert position <= segment.start < segment.end <= len(layer.text)
        position = segment.end
