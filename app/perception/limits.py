"""How much of one upload is read: constants with unit and reason."""

from __future__ import annotations

#: Code points of one text layer: ten long books.
MAX_CHARACTERS = 5_000_000
#: Segments of one layer: a line each in a book of the longest kind; more is data and not prose.
MAX_SEGMENTS = 250_000
#: Pages of one PDF.
MAX_PAGES = 2000
#: Pages of one upload that are recognised as pictures: at one to three seconds a page this fills the deadline.
MAX_OCR_PAGES = 30
#: Bytes that the parts of a DOCX may unpack to. A DOCX of 1.5 MB that unpacks to 1.5 GB has been seen.
MAX_UNPACKED_BYTES = 200_000_000
#: Packed to unpacked: XML packs to a tenth, a bomb to a thousandth.
MAX_PACK_RATIO = 200
#: Bytes of a part below which the ratio says nothing.
RATIO_FROM_BYTES = 5_000_000
#: Parts of a DOCX: a book with a picture on each page has fewer.
MAX_PARTS = 5000
#: Pixels of one picture: a 600 dpi A4 page and a half.
MAX_PIXELS = 50_000_000
