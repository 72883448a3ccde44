from __future__ import annotations

import pytest

from app.perception.dates import find


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("[Tuscumbia, Alabama, June 17, 1887.]", "1887-06-17"),
        ("So. Boston, MA. Sept. 1888", "1888-09"),
        ("Tuscumbia, Alabama, February 15th 1888.", "1888-02-15"),
        ("Hulton, Pennsylvania, January 14. [1894]", "1894-01-14"),
        ("November fourth. [1892.]", "1892-11"),
        ("Twyford, at the Bishop's, 1771.", "1771"),
        ("Weimar, den 3. März 1848", "1848-03-03"),
        ("Paris, le 1er août 1887", "1887-08-01"),
        ("Madrid, 12 de mayo de 1999", "1999-05-12"),
        ("2014-05-12T10:00:00Z", "2014-05-12"),
        ("12.05.2014", "2014-05-12"),
        ("25/12/2012", "2012-12-25"),
        ("12/25/2012", "2012-12-25"),
        ("05/06/2012", "2012"),
    ],
)
def test_dates_are_read_as_people_write_them(text: str, iso: str) -> None:
    found = find(text)
    assert found is not None
    assert found.iso == iso
    assert iso[:4] in text[found.start : found.end]


@pytest.mark.parametrize(
    "text", ["", "I was born in 1984 on a farm", "page 1234", "May I come in?", "31.02.2014", "1-2-3"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert find(text) is None
