"""Small whole files of every kind that is read, made in code; the hostile ones begin as these."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.fuzz.mutations import Files
from mnist_core.data.formats import IDX_FILES
from mnist_core.ink.examples import EXAMPLES, canvas_json
from mnist_core.views.canvas_state import CanvasState

RUN = "20261121-080000-fast-0000"


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the image as a file of this kind."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def photos() -> list[Files]:
    """PNG, JPEG and WebP of every mode that a phone, a scanner or a drawing program writes."""
    ink = Image.new("L", (40, 32), 230)
    ink.paste(20, (16, 6, 22, 26))
    colour, clear = ink.convert("RGB"), Image.merge("LA", (ink, ink.point(lambda x: 255 - x)))
    exif = Image.Exif()
    exif[0x0112] = 6
    several = {"save_all": True, "append_images": [colour]}
    pictures = [
        *(encoded(ink.convert(mode), "PNG") for mode in ("L", "RGB", "P", "1", "I;16")),
        encoded(clear, "PNG"),
        encoded(colour.quantize(4), "PNG", transparency=0),
        encoded(colour, "PNG", **several),
        encoded(ink, "JPEG"),
        encoded(colour, "JPEG", exif=exif, progressive=True),
        encoded(ink.convert("CMYK"), "JPEG"),
        encoded(colour, "WEBP"),
        encoded(clear.convert("RGBA"), "WEBP", lossless=True, exif=exif),
        encoded(colour, "WEBP", **several),
    ]
    return [{"photo": picture} for picture in pictures]


@cache
def digits() -> dict[str, np.ndarray]:
    """A data set of six digits to train on and two to test with."""
    shades = np.arange(8 * 784, dtype=np.uint32).reshape(8, 28, 28) * 7 % 256
    images, labels = shades.astype(np.uint8), np.arange(8, dtype=np.uint8)
    return {
        "x_train": images[:6], "y_train": labels[:6], "x_test": images[6:], "y_test": labels[6:]
    }  # fmt: skip


def npz(arrays: dict[str, Any], *, packed: bool = False) -> bytes:
    """Return arrays as NumPy writes them; objects are pickled."""
    buffer = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(buffer, allow_pickle=True, **arrays)
    return buffer.getvalue()


class Trap:
    """What a pickle makes of itself when it is loaded: a call of os.system."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("touch unpickled",)


@cache
def npz_files() -> list[Files]:
    """An .npz stored, one packed, and one with a pickle in it."""
    trap = np.array([Trap()], dtype=object)
    kinds = [npz(digits()), npz(digits(), packed=True), npz(digits() | {"x_train": trap})]
    return [{"digits.npz": content} for content in kinds]


def idx(array: np.ndarray) -> bytes:
    """Return an array in LeCun's format."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@cache
def idx_files() -> list[Files]:
    """The four IDX files, and the same gzipped; one of them at a time is made hostile."""
    plain = {stem: idx(digits()[name]) for name, stem in IDX_FILES.items()}
    return [plain, {f"{stem}.gz": gzip.compress(data, 1) for stem, data in plain.items()}]


def csv(columns: list[str], rows: np.ndarray) -> bytes:
    """Return a table in Kaggle's form."""
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows.tolist())]
    return "\n".join(lines).encode() + b"\n"


@cache
def kaggle_train() -> list[Files]:
    """Kaggle's train.csv with two rows."""
    columns = ["label", *(f"pixel{i}" for i in range(784))]
    pixels, labels = digits()["x_train"][:2].reshape(2, 784), digits()["y_train"][:2]
    return [{"train.csv": csv(columns, np.column_stack([labels, pixels]))}]


@cache
def kaggle_test() -> list[Files]:
    """Kaggle's test.csv with two rows."""
    columns = [f"pixel{i}" for i in range(784)]
    return [{"test.csv": csv(columns, digits()["x_test"].reshape(2, 784))}]


UNIPEN = """.SEGMENT DIGIT 0 ? "3"
.PEN_DOWN
 10 20
 30 25
.PEN_UP
.PEN_DOWN
 12 40
 31 45
.PEN_UP
"""


def unix_compress(content: bytes) -> bytes:
    """Return up to 250 bytes as Unix compress (.Z) writes them, each a code of nine bits."""
    bits = sum(byte << (9 * place) for place, byte in enumerate(content[:250]))
    return b"\x1f\x9d\x90" + bits.to_bytes((9 * min(len(content), 250) + 7) // 8, "little")


@cache
def archives() -> list[Files]:
    """UCI's archive with one drawing to train on and one to test with; its members packed."""

    def archive(text: bytes) -> Files:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as members:
            for ending in ("tra", "tes"):
                members.writestr(f"pendigits-orig.{ending}.Z", text)
        return {"archive.zip": buffer.getvalue()}

    # Starting gzip for a .Z member takes most of the time, so that one input in ten has them.
    plain = archive(UNIPEN.encode())
    return [*[plain] * 9, archive(unix_compress(UNIPEN.encode()))]


@cache
def stroke_files() -> list[Files]:
    """The strokes as they are kept, stored and packed."""
    arrays = {
        "points": np.arange(16, dtype=np.int16).reshape(8, 2),
        "stroke_start": np.array([0, 3, 6, 8], np.int32),
        "drawing_start": np.array([0, 2, 3], np.int32),
        "labels": np.array([3, 7], np.uint8),
        "is_test": np.array([False, True]),
    }
    return [{"strokes.npz": npz(arrays)}, {"strokes.npz": npz(arrays, packed=True)}]


@cache
def canvases() -> list[Files]:
    """What a browser says that the canvas holds: strokes as Fabric has them, and a picture."""
    state = CanvasState()
    state.load_picture(np.eye(20, dtype=np.uint8) * 255)
    drawn: list[Any] = [canvas_json(example.strokes[:2]) for example in EXAMPLES[:4]]
    curve = {"type": "path", "strokeWidth": 18, "path": [["M", 9, 9], ["Q", 20, 9, 40, 90]]}
    drawn += [{"objects": [curve] * 3}, {"objects": [*state.objects, curve]}]
    return [{"canvas.json": json.dumps(one).encode()} for one in drawn]


def _pen(label: int) -> list[list[list[float]]]:
    """Return an example's strokes with times, as a pen tells them."""
    drawn = next(example.strokes for example in EXAMPLES if example.label == label)
    return [[[x, y, 16.0 * n] for n, (x, y) in enumerate(stroke[::6].tolist())] for stroke in drawn]


@cache
def requests() -> list[Files]:
    """Drawings as programs and the pen's companion send them."""
    bodies: list[Any] = [
        {"strokes": _pen(4), "width": 18, "size": 336},
        {"strokes": _pen(3), "width": [18.0, 9.5]},
        {"strokes": [[[5, 5]], []], "size": 28, "width": 2},
    ]
    return [{"drawing.json": json.dumps(body).encode()} for body in bodies]


@cache
def phones() -> list[Files]:
    """What a phone of a room sends."""
    drawing = {"key": "k" * 12, "round": 1, "task": 0, "strokes": _pen(7), "width": 18, "size": 336}
    bodies = {
        "drawing.json": drawing,
        "vote.json": {"entry": 3, "digit": 10},
        "reading.json": {"round": 1, "question": 2, "digit": 9},
    }
    return [{name: json.dumps(body).encode() for name, body in bodies.items()}]


@cache
def run_files() -> list[Files]:
    """The files of a run that trained for two epochs and finished."""
    numbers = {"loss": 0.5, "accuracy": 0.8, "seconds": 3.0}
    example = {"index": 3, "label": 1, "probabilities": [0.05] * 9 + [0.55]}
    events: list[dict[str, Any]] = [{"type": "started", "epochs": 4}]
    for epoch in (1, 2):
        events.append({"type": "batch", "epoch": epoch, "step": 10, "steps": 10, **numbers})
        events.append({"type": "epoch", "epoch": epoch, "val_loss": 0.4, "val_accuracy": 0.9,
                       **numbers, "confusion": [[7] * 10] * 10, "examples": [example]})  # fmt: skip
    config = {"recipe": "fast", "title": "First try", "changes": {"epochs": 2, "l2": None},
              "requested_at": 1.79e9}  # fmt: skip
    outcome = {"state": "finished", "ended_at": 1.79e9 + 60, "reason": "", "log_tail": ""}
    files: dict[str, Any] = {
        "config.json": config,
        "process.json": {"started_at": 1.79e9, "pid": 7},
        "outcome.json": outcome,
    }
    whole = {name: json.dumps(content).encode() for name, content in files.items()}
    whole["events.jsonl"] = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    return [whole, {name: data for name, data in whole.items() if name != "outcome.json"}]


@cache
def card_files() -> list[Files]:
    """A model's card, and which models are active."""
    card = {"recipe": "fast", "temperature": 1.2, "digit_threshold": 0.4, "test_accuracy": 0.99,
            "validation_digits_accepted": 0.98, "tflite_of": "0" * 64}  # fmt: skip
    return [{
        "card.json": json.dumps(card).encode(), "active.json": json.dumps({"cnn": RUN}).encode()
    }]  # fmt: skip


@cache
def evaluations() -> list[Files]:
    """A model's stored answers to three images."""
    arrays = {
        "probabilities": np.full((3, 10), 0.1, np.float32),
        "y_true": np.array([1, 2, 3], np.uint8),
        "data_digest": np.array("0" * 64),
        "split": np.array("test"),
    }
    more = arrays | {"digit_scores": np.ones(3, np.float32)}
    trap = arrays | {"probabilities": np.array([Trap()], dtype=object)}
    return [{"evaluation.npz": npz(one)} for one in (arrays, more, trap)] + [
        {"evaluation.npz": npz(more, packed=True)}
    ]


@cache
def networks() -> list[Files]:
    """A network of every layer that this app knows, a plain one, and one with Python code in it."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.MaxPooling2D(4)(layers.Rescaling(2.0)(image))
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(2, 3)(x)))
    x = layers.Add()([x, layers.Conv2D(2, 3, padding="same", kernel_regularizer="l2")(x)])
    x = layers.Dropout(0.1)(layers.Flatten()(layers.DepthwiseConv2D(3)(x)))
    heads = {"digit": layers.Dense(10, "softmax")(x), "is_digit": layers.Dense(1, "sigmoid")(x)}
    made = [
        keras.Model(image, list(heads.values())),
        keras.Sequential([image, layers.MaxPooling2D(7), layers.Flatten(), layers.Dense(10)]),
        keras.Sequential([image, layers.Lambda(lambda x: x), layers.Flatten(), layers.Dense(10)]),
    ]
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for model in made:
            model.save(Path(folder) / "model.keras")
            files.append({"model.keras": (Path(folder) / "model.keras").read_bytes()})
    return files
