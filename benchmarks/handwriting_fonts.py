"""Digits and letters of people who are in no training set: fonts made from handwriting.

Nearly each font is one hand. The fonts are not in this repository; any folder of .ttf, .otf and
.woff2 files will do. The figures of docs/reading.md come from 174 free ones: those that
`npm install` gets into a folder with benchmarks/fonts/package.json, and those in Debian's packages
fonts-breip, -bwht, -comic-neue, -dancingscript, -dkg-handwriting, -ecolier-court, -femkeklaver,
-humor-sans, -kiloji, -klee, -kristi, -rufscript, -sjfonts, -tlwg-purisa-ttf, -tomsontalks and
-yusei-magic.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mnist_core.ink.pen import Random
from mnist_core.ink.preprocessing import mnist_image

SEED = 20_261_125
SIZE_PX = 200
CANVAS_PX = 420
# Letters that many hands write as a digit are no test of telling letters from digits.
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYacdefhjkmnprtuvwxy"
DRAWINGS_A_DIGIT = 3
# These set the share of digits that the threshold for "not a digit" accepts; all others are held
# out. The first part of a file's name, in lower case.
CHOOSING = (
    "annie-use-your-telescope", "bad-script", "becauseweconnect", "becausewelearn",
    "becauseweorganize", "caveat", "comicneue", "dancingscript", "dkg", "femkeklaver",
    "gloria-hallelujah", "handlee", "humor-sans", "kalam", "kleeone", "liu-jian-mao-cao",
    "marck-script", "neucha", "poor-story", "reenie-beanie", "rufscript010", "short-stack",
    "sue-ellen-francisco", "the-girl-next-door", "yomogi", "zen-kurenaido",
)  # fmt: skip
SCHOOLS = "playwrite"  # the hands that schools of many countries teach, by one foundry


@dataclass(frozen=True)
class FontImages:
    """Images (n, 28, 28) float32 in [0, 1]; label 10 = a letter; which font each is of."""

    images: np.ndarray
    labels: np.ndarray
    fonts: np.ndarray  # (n,) names


def font_files(folder: Path) -> list[Path]:
    """Return the font files below a folder, one a family, by name.

    A name that begins with another's is that one's variant."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*"), key=lambda p: p.name.lower()):
        if path.suffix.lower() in (".ttf", ".otf", ".woff2") and _is_regular(path.stem.lower()):
            name = path.stem.lower().split("-latin")[0]
            if not any(name.startswith(other) for other in found):
                found[name] = path
    return list(found.values())


def font_images(files: list[Path], seed: int = SEED) -> FontImages:
    """Return three drawings of each digit and one of each letter, in each font."""
    images, labels, fonts = [], [], []
    for path in files:
        random = np.random.default_rng((seed, *path.name.encode()))
        font = ImageFont.truetype(str(path), SIZE_PX)
        wanted = [*"0123456789" * DRAWINGS_A_DIGIT, *LETTERS]
        for character in wanted:
            drawn = _drawn(character, font, random)
            if drawn is None:
                continue
            images.append(mnist_image(drawn))
            labels.append(int(character) if character.isdigit() else 10)
            fonts.append(path.name)
    return FontImages(np.stack(images), np.array(labels, np.uint8), np.array(fonts))


def group(path: Path) -> str:
    """Return "setting the threshold", "held out", or "held out, schools' hands"."""
    name = path.stem.lower().split("-latin")[0].removesuffix("-regular")
    if name in CHOOSING:
        return "setting the threshold"
    return "held out, schools' hands" if name.startswith(SCHOOLS) else "held out"


def _is_regular(stem: str) -> bool:
    if "latin-ext" in stem or any(word in stem for word in ("bold", "italic", "oblique", "light")):
        return False
    return "-latin-400-normal" in stem if stem.endswith("-normal") else True


def _drawn(character: str, font: ImageFont.FreeTypeFont, random: Random) -> np.ndarray | None:
    """Return a character turned, sheared, thickened or thinned a little; None where it is empty."""
    picture = Image.new("L", (CANVAS_PX, CANVAS_PX), 0)
    middle = (CANVAS_PX // 2, CANVAS_PX // 2)
    ImageDraw.Draw(picture).text(middle, character, fill=255, font=font, anchor="mm")
    if picture.getbbox() is None:
        return None
    turned = picture.rotate(float(random.normal(0, 5)), Image.Resampling.BICUBIC)
    shear = float(random.normal(0, 0.1))
    sheared = turned.transform(
        turned.size,
        Image.Transform.AFFINE,
        (1, shear, -shear * CANVAS_PX / 2, 0, 1, 0),
        Image.Resampling.BICUBIC,
    )
    grown = sheared.filter(ImageFilter.MaxFilter(int(random.choice([1, 1, 5, 9, 13]))))
    return np.asarray(grown) if grown.getbbox() else None
