"""Photos of digits on paper, made up: pens, rules, shadows, folds, glare, blur, perspective.

Used by `python -m benchmarks.real_ink --photos`. Everything is drawn at random within the bounds
that stand in the code, from pen strokes that are given; what comes back is a JPEG, as a phone
would send it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_core.ink.pen import Random
from mnist_core.ink.strokes import Stroke, ink_mask, place

WIDTH_PX, HEIGHT_PX = 1080, 1350
JPEG_QUALITY = 75
Paper = np.ndarray  # (h, w, 3) float32, 0 to 255


def photo(strokes: Sequence[Stroke], kind: str, random: Random, second: Sequence[Stroke]) -> bytes:
    """Return a JPEG of the drawing on paper, with what the kind's words name.

    kind: one of `KINDS`, whose parts are joined by " + "; second: the drawing of which the kind
    with a second line of writing makes that line.
    """
    parts = set(kind.split(" + "))
    paper = _paper(parts, random)
    share = _ink(strokes, parts, random)
    if "second line at the rim" in parts:
        share = np.maximum(share, _second_line(second, random))
    colour = _ink_colour(parts, random)
    scene = paper * (1 - share[..., np.newaxis]) + colour * share[..., np.newaxis]
    for part, change in _CHANGES.items():
        if part in parts:
            scene = change(scene, random)
    scene *= _falloff(random)
    scene += random.normal(0, random.uniform(1.5, 5), scene.shape[:2])[..., np.newaxis]
    picture = Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _paper(parts: set[str], random: Random) -> Paper:
    if "light ink on dark" in parts:
        level = np.array([1, 1, 1.05]) * random.uniform(25, 60)
    elif "white board glare" in parts:
        level = np.array([1, 1, 1]) * random.uniform(200, 235)
    else:
        level = np.array([1, random.uniform(0.97, 1), random.uniform(0.9, 1)]) * random.uniform(
            185, 250
        )
    paper = np.ones((HEIGHT_PX, WIDTH_PX, 3), np.float32) * level.astype(np.float32)
    rule = np.array([random.uniform(120, 175), random.uniform(150, 195), random.uniform(200, 235)])
    step, wide = int(random.integers(45, 110)), int(random.integers(2, 4))
    if parts & {"ruled", "squared"}:
        for offset in range(wide):
            paper[int(random.integers(step)) + offset :: step] = rule
    if "squared" in parts:
        for offset in range(wide):
            paper[:, offset + step // 3 :: step] = rule
    return paper


def _ink(strokes: Sequence[Stroke], parts: set[str], random: Random) -> np.ndarray:
    """Return how much of each pixel is ink: (h, w) float32, 0 to 1."""
    size = random.uniform(250, 620)
    if "white board glare" in parts:
        width = random.uniform(14, 26)
    elif "pencil" in parts:
        width = random.uniform(4, 8)
    else:
        width = random.uniform(5, 17)
    left = random.uniform(0.15, 0.85) * (WIDTH_PX - size)
    top = random.uniform(0.2, 0.8) * (HEIGHT_PX - size)
    mask = ink_mask(place(strokes, left, top, size), HEIGHT_PX, width).crop(
        (0, 0, WIDTH_PX, HEIGHT_PX)
    )
    share = ndimage.gaussian_filter(np.asarray(mask, np.float32) / 255, 0.8)
    if "pencil" in parts:  # graphite leaves the valleys of the paper bare
        grain = ndimage.gaussian_filter(random.normal(0, 1, share.shape).astype(np.float32), 1.2)
        share = share * np.clip(0.8 + 0.8 * grain, 0.3, 1)
    return share


def _ink_colour(parts: set[str], random: Random) -> np.ndarray:
    if "light ink on dark" in parts:
        return np.array([1, 1, random.uniform(0.8, 1)], np.float32) * random.uniform(190, 245)
    if "pencil" in parts:
        return np.ones(3, np.float32) * random.uniform(95, 135)
    colours = [(25, 25, 30), (30, 45, 140), (20, 20, 90), (150, 25, 35), (20, 90, 50)]
    return np.array(colours[int(random.integers(len(colours)))], np.float32)


def _second_line(strokes: Sequence[Stroke], random: Random) -> np.ndarray:
    """Writing that runs over the lower or the upper rim, or keeps just within it."""
    picture = Image.new("L", (HEIGHT_PX, HEIGHT_PX), 0)
    size, at_top = random.uniform(120, 200), random.random() < 0.5
    top = (
        random.uniform(-0.6, 0.1) * size if at_top else HEIGHT_PX - random.uniform(0.4, 1.1) * size
    )
    left = random.uniform(20, 120)
    while left < WIDTH_PX - size:
        line = ink_mask(place(strokes, left, top + random.normal(0, 6), size), HEIGHT_PX, 9)
        picture = Image.fromarray(np.maximum(np.asarray(picture), np.asarray(line)))
        left += size * random.uniform(0.8, 1.6)
    return np.asarray(picture.crop((0, 0, WIDTH_PX, HEIGHT_PX)), np.float32) / 255


def _falloff(random: Random) -> np.ndarray:
    """Light that falls off towards one side, by up to two fifths."""
    rows, columns = np.mgrid[-1 : 1 : HEIGHT_PX * 1j, -1 : 1 : WIDTH_PX * 1j]
    angle, least = random.uniform(0, 2 * np.pi), random.uniform(0.6, 1)
    along = (np.cos(angle) * columns + np.sin(angle) * rows) / np.sqrt(2) / 2 + 0.5
    return (least + (1 - least) * along).astype(np.float32)[..., np.newaxis]


def _shadow(scene: np.ndarray, random: Random) -> np.ndarray:
    """The shadow of a phone or a hand: a corner or a bulge that comes in from the border."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    angle = random.uniform(0, 2 * np.pi)
    x, y = (
        columns - random.uniform(0.25, 0.75) * WIDTH_PX,
        rows - random.uniform(0.25, 0.75) * HEIGHT_PX,
    )
    across = np.cos(angle) * x + np.sin(angle) * y
    along = -np.sin(angle) * x + np.cos(angle) * y
    if random.random() < 0.5:
        inside = np.minimum(across, 0.4 * HEIGHT_PX - np.abs(along))  # a phone's corners
    else:
        inside = across - random.uniform(0, 250) * np.sin(along / random.uniform(90, 300))
    edge = random.uniform(12, 80)
    dark = random.uniform(0.3, 0.55)
    return scene * (1 - dark * np.clip(inside / edge + 0.5, 0, 1))[..., np.newaxis]


def _crumpled(scene: np.ndarray, random: Random) -> np.ndarray:
    """Facets of other brightness that meet in sharp ridges, and one or two folds."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    light = np.ones((HEIGHT_PX, WIDTH_PX), np.float32)
    for _ in range(int(random.integers(8, 20))):
        angle = random.uniform(0, np.pi)
        across = np.cos(angle) * (columns - random.uniform(0, WIDTH_PX)) + np.sin(angle) * (
            rows - random.uniform(0, HEIGHT_PX)
        )
        light *= 1 + random.uniform(-0.07, 0.07) * np.tanh(across / random.uniform(3, 40))
    for _ in range(int(random.integers(1, 3))):  # folds: a thin dark line beside a light one
        along_row = random.random() < 0.5
        across = (
            (rows - random.uniform(0.1, 0.9) * HEIGHT_PX)
            if along_row
            else (columns - random.uniform(0.1, 0.9) * WIDTH_PX)
        )
        light *= 1 - random.uniform(0.05, 0.18) * np.exp(-((across / 4) ** 2))
        light *= 1 + 0.06 * np.exp(-(((across - 9) / 5) ** 2))
    return scene * light[..., np.newaxis]


def _glare(scene: np.ndarray, random: Random) -> np.ndarray:
    """One to three lamps mirrored in the board: nearly white, and the ink below them paler."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    for _ in range(int(random.integers(1, 4))):
        y, x = random.uniform(0, HEIGHT_PX), random.uniform(0, WIDTH_PX)
        far = ((rows - y) / random.uniform(60, 220)) ** 2 + (
            (columns - x) / random.uniform(60, 220)
        ) ** 2
        lamp = random.uniform(0.3, 0.65) * np.exp(-far)
        scene = scene + (255 - scene) * lamp[..., np.newaxis]
    return scene


def _perspective(scene: np.ndarray, random: Random) -> np.ndarray:
    """Seen 20 degrees from the side, from three picture heights away."""
    tilt, away = np.radians(20), 3.0
    angle = random.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    x, y = (columns - WIDTH_PX / 2) / HEIGHT_PX, (rows - HEIGHT_PX / 2) / HEIGHT_PX
    u, v = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    # Of the picture's point (u, v) the place on the tilted sheet.
    on_u = u * away / (away * np.cos(tilt) - u * np.sin(tilt))
    on_v = v * (1 + on_u * np.sin(tilt) / away)
    x, y = np.cos(angle) * on_u - np.sin(angle) * on_v, np.sin(angle) * on_u + np.cos(angle) * on_v
    places = [y * HEIGHT_PX + HEIGHT_PX / 2, x * HEIGHT_PX + WIDTH_PX / 2]
    planes = [
        ndimage.map_coordinates(scene[..., c], places, order=1, mode="nearest") for c in range(3)
    ]
    return np.stack(planes, axis=2)


def _blurred(scene: np.ndarray, random: Random) -> np.ndarray:
    """Out of focus by 3 px."""
    return ndimage.gaussian_filter(scene, (3, 3, 0))


# In the order in which they come about: the paper, the light on it, the lens.
_CHANGES: dict[str, Callable[[np.ndarray, Random], np.ndarray]] = {
    "crumpled": _crumpled,
    "shadow": _shadow,
    "white board glare": _glare,
    "perspective of 20°": _perspective,
    "blurred by 3 px": _blurred,
}
KINDS = (
    "plain", "ruled", "squared", "shadow", "ruled + shadow", "squared + shadow", "crumpled",
    "crumpled + shadow", "pencil", "pencil + ruled", "white board glare", "light ink on dark",
    "light ink on dark + shadow", "second line at the rim", "second line at the rim + shadow",
    "perspective of 20°", "blurred by 3 px", "squared + blurred by 3 px + shadow",
)  # fmt: skip
