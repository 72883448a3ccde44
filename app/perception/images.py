"""Pictures to a text layer: the analyzer `image.ocr`.

Only pixels are read; what a camera wrote beside them, places above all, is dropped.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from app.analysis import Blob, Context, Result
from app.errors import Reason, Refusal
from app.perception.documents import features
from app.perception.language import identify
from app.perception.limits import MAX_OCR_PAGES, MAX_PIXELS
from app.perception.reading import damaged
from app.perception.recognise import Paragraph, lay, recognise
from app.vocabulary import FeatureStatus, ReasonCode

#: Pillow's decoders that may run.
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF")
#: Formats whose frames are pages; of the others the first frame is read.
_PAGED = frozenset({"TIFF"})
_WHITE = 255


def ocr(blob: Blob, context: Context) -> Result:  # noqa: ARG001 - the contract of an analyzer
    """Recognise the text in a picture.

    Args:
        blob: the upload: PNG, JPEG, TIFF (all pages), WebP or GIF (first frame).
        context: not used; every analyzer is called with one.

    Returns:
        One text layer of kind "ocr" with boxes in pixels of the picture as it is shown; features as those of
        `app.perception.documents`, with mean_confidence (0 to 1). Partial where pages beyond the limit were left out.

    Raises:
        Refusal: empty, no_text, corrupt, limit_exceeded, model_missing or timed_out.
    """
    if not blob.data:
        raise Refusal(ReasonCode.EMPTY, "The file is empty: there is nothing to read.")
    pages: list[tuple[int, list[Paragraph]]] = []
    with _opened(blob.data) as image:
        count = getattr(image, "n_frames", 1) if image.format in _PAGED else 1
        for picture in _pictures(image, min(count, MAX_OCR_PAGES)):
            pages.append((len(pages) + 1, recognise(picture)))
    if not any(paragraphs for _, paragraphs in pages):
        raise Refusal(ReasonCode.NO_TEXT, "No text found in the picture.")
    layer = lay(pages, {"pages": count})
    layer = replace(layer, language=identify(layer.text, list(layer.own_spans())))
    sure = [segment.confidence or 0.0 for segment in layer.segments]
    reason = None
    if left_out := count - len(pages):
        reason = Reason(
            ReasonCode.LIMIT_EXCEEDED, f"Only the first {len(pages)} pages were read.", {"left_out": left_out}
        )
    return Result(
        {**features(layer, blob.media_type), "mean_confidence": round(sum(sure) / len(sure), 3)},
        status=FeatureStatus.PARTIAL if reason else FeatureStatus.SUCCESS,
        reason=reason,
        layers=(layer,),
    )


def _opened(data: bytes) -> Image.Image:
    """Open a picture; nothing is decoded yet.

    Raises:
        Refusal: limit_exceeded or corrupt.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with warnings.catch_warnings(), damaged("picture"):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(BytesIO(data), formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large() from error


def _too_large() -> Refusal:
    return Refusal(
        ReasonCode.LIMIT_EXCEEDED,
        f"The picture has more than {MAX_PIXELS / 1e6:.0f} million pixels: make it smaller.",
        max_pixels=MAX_PIXELS,
    )


def _pictures(image: Image.Image, count: int) -> Iterator[Image.Image]:
    """The first frames, each as a grey picture on white, upright."""
    with damaged("picture"):
        for frame in ImageSequence.Iterator(image):
            if frame.width * frame.height > MAX_PIXELS:
                raise _too_large()
            yield _grey(ImageOps.exif_transpose(frame))
            count -= 1
            if not count:
                return


def _grey(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64))
        low, high = values.min(), values.max()
        return Image.fromarray(((values - low) * (_WHITE / ((high - low) or 1.0))).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        shown = picture.convert("RGBA")
        ground = Image.new("RGBA", shown.size, (_WHITE, _WHITE, _WHITE, _WHITE))
        picture = Image.alpha_composite(ground, shown)
    return picture.convert("L") if picture.mode != "CMYK" else picture.convert("RGB").convert("L")
