"""A room's results to keep: every round with its figures, the drawings as CSV, a picture."""

from __future__ import annotations

import csv
import io
from typing import Any

import sqlalchemy as sa
from PIL import Image, ImageDraw, ImageFont

from mnist_core.data import people
from mnist_core.data.database import reading
from mnist_core.data.drawing import Drawing
from mnist_core.errors import NoSuchRoom
from mnist_core.ink.strokes import ink_mask
from mnist_core.models import registry
from mnist_core.room import rules, scores, wall
from mnist_core.room.store import Room, Round
from mnist_core.room.tables import entries, members, rooms, rounds
from mnist_core.words import NETWORK_TITLES, count, percent

TITLES = {
    rules.DRAW: "Draw anything",
    rules.TEST: "The room's test set",
    rules.FOOL: "Fool it",
    rules.BEAT: "Beat it",
}
_COLUMNS = (
    "drawing", "round", "kind", "name", "asked", "room_says", "dense", "dense_confidence",
    "dense_is_digit", "cnn", "cnn_confidence", "cnn_is_digit", "drawn_at", "size_px",
    "width_px", "strokes",
)  # fmt: skip
_TILE_PX, _COLUMNS_OF_TILES, _MOST_TILES = 120, 12, 72
_COLOURS = {"dense": "#E69F00", "cnn": "#56B4E9"}


def room_of_key(key: str) -> Room:
    """Return the room whose results have this key. Raises NoSuchRoom."""
    with reading() as connection:
        row = connection.execute(sa.select(rooms).where(rooms.c.results_key == key)).one_or_none()
    if row is None:
        raise NoSuchRoom("There are no results at this address; ask the room's host for the link.")
    return Room(**row._mapping)


def report(room: Room) -> list[dict[str, Any]]:
    """Return each round's figures as the wall would show them, the first first; no drawings."""
    with reading() as connection:
        found = connection.execute(
            sa.select(rounds).where(rounds.c.room_id == room.id).order_by(rounds.c.id)
        ).all()
        return [
            wall.state_of(connection, room, Round(**row._mapping), since=room.revision)
            | {"title": TITLES[row.kind]}
            for row in found
        ]


def drawings(room: Room, round_id: int, most: int) -> list[dict[str, Any]]:
    """Return the newest of what was drawn in a round, also what was cleared off the wall, the
    oldest of them first.

    Each {"name", "path", "width", "read": network -> its answer}, see `wall`; without what is
    hidden or veiled.
    """
    of_round = _drawn(room).where(entries.c.round_id == round_id, wall.unveiled(room))
    with reading() as connection:
        newest = connection.execute(of_round.order_by(entries.c.id.desc()).limit(most)).all()
        return [wall.drawing(row, room) for row in reversed(newest)]


def drawings_csv(room: Room) -> str:
    """Return every drawing that nobody has hidden as CSV, one a line.

    `strokes` holds the points as they were drawn: strokes apart by "|", points by ";", each
    "x y milliseconds" in pixels of a canvas `size_px` wide.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(_COLUMNS)
    with reading() as connection:
        said = {
            entry: rules.verdict(counts.elements(), row.votes_needed)
            for row in connection.execute(sa.select(rounds).where(rounds.c.room_id == room.id))
            if row.kind == rules.FOOL
            for entry, counts in scores.said_of(connection, Round(**row._mapping)).items()
        }
        numbers = {
            round_id: number
            for number, round_id in enumerate(
                connection.execute(
                    sa.select(rounds.c.id).where(rounds.c.room_id == room.id).order_by(rounds.c.id)
                ).scalars(),
                start=1,
            )
        }
        for row in connection.execute(_drawn(room).order_by(entries.c.id)):
            lines.writerow(_line(row, numbers[row.round_id], said.get(row.id)))
    return text.getvalue()


def _drawn(room: Room) -> sa.Select[Any]:
    return (
        sa.select(
            entries,
            members.c.name,
            rounds.c.kind,
            people.drawings.c.strokes,
            people.drawings.c.size_px,
            people.drawings.c.width_px,
            people.drawings.c.answers,
            people.drawings.c.hidden,
            people.drawings.c.created_at,
        )
        .join(people.drawings, people.drawings.c.id == entries.c.drawing_id)
        .join(members, members.c.id == entries.c.member_id)
        .join(rounds, rounds.c.id == entries.c.round_id)
        .where(entries.c.room_id == room.id, people.drawings.c.hidden.is_(False))
    )


def _line(row: Any, number: int, room_says: int | None) -> list[Any]:
    read: list[Any] = []
    for network in registry.SLOTS:
        answer = row.answers.get(network)
        read += (
            [answer["digit"], f"{answer['confidence']:.4f}", int(answer["is_digit"])]
            if answer
            else ["", "", ""]
        )
    strokes = "|".join(
        ";".join(" ".join(f"{number:g}" for number in point) for point in stroke)
        for stroke in row.strokes
    )
    asked = "" if row.asked is None else row.asked
    verdict = "" if room_says is None else room_says
    drawn_at = f"{row.created_at:.3f}"
    return [row.id, number, row.kind, row.name, asked, verdict, *read, drawn_at,
            f"{row.size_px:g}", f"{row.width_px:g}", strokes]  # fmt: skip


def picture(room: Room) -> bytes:
    """Return the wall as one picture, PNG: the figures of each round, then the newest drawings."""
    lines = [line for shown in report(room) for line in _words(shown)]
    with reading() as connection:
        found = connection.execute(
            _drawn(room).where(wall.unveiled(room)).order_by(entries.c.id.desc()).limit(_MOST_TILES)
        ).all()
    rows = -(-len(found) // _COLUMNS_OF_TILES)
    width = _COLUMNS_OF_TILES * (_TILE_PX + 8) + 64
    top = 130 + 34 * len(lines)
    sheet = Image.new("RGB", (width, top + rows * (_TILE_PX + 38) + 30), "#0B1016")
    pen = ImageDraw.Draw(sheet)
    pen.text((32, 28), f"Room {room.code}", "#F1F5F9", ImageFont.load_default(52))
    for network, right in (("dense", 160), ("cnn", 32)):
        font = ImageFont.load_default(22)
        pen.text((width - right, 50), NETWORK_TITLES[network], _COLOURS[network], font, "ra")
    for number, line in enumerate(lines):
        pen.text((32, 110 + 34 * number), line, "#D5DDE6", ImageFont.load_default(22))
    for place, row in enumerate(reversed(found)):
        y, x = divmod(place, _COLUMNS_OF_TILES)
        _tile(sheet, 32 + x * (_TILE_PX + 8), top + y * (_TILE_PX + 38), row)
    content = io.BytesIO()
    sheet.save(content, "PNG", optimize=True)
    return content.getvalue()


def _tile(sheet: Image.Image, x: int, y: int, row: Any) -> None:
    scale = 2 * _TILE_PX / row.size_px
    drawing = Drawing("", row.strokes, row.width_px, row.size_px)
    mask = ink_mask([ink * scale for ink in drawing.ink], 2 * _TILE_PX, row.width_px * scale)
    sheet.paste(mask.reduce(2), (x, y))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(22)
    for place, network in enumerate(registry.SLOTS):
        answer = row.answers.get(network)
        word = "–" if answer is None else str(answer["digit"]) if answer["is_digit"] else "?"
        pen.text((x + 34 + 40 * place, y + _TILE_PX + 2), word, _COLOURS[network], font)


def _words(shown: dict[str, Any]) -> list[str]:
    """Return what one round came to, a sentence a line."""
    return [f"{shown['round']['number']}. {shown['title']}", *(f"    {w}" for w in facts(shown))]


def facts(shown: dict[str, Any]) -> list[str]:
    """Return what one round of a report came to, in sentences."""
    if "beat" in shown:
        beat = shown["beat"]
        if "people" not in beat:
            return [f"{count(beat['readings'], 'digit')} read so far."]
        return [
            f"People: {_share(beat['people'])} of their readings right; "
            f"most of the room: {beat['room']['right']} of {beat['room']['of']} digits.",
            *(f"{title}: {beat['networks'][n]['right']} of {beat['networks'][n]['of']} digits."
              for n, title in NETWORK_TITLES.items()),
        ]  # fmt: skip
    drawn = shown["drawn"]
    told = [f"{count(drawn, 'drawing')}."]
    for network, title in NETWORK_TITLES.items():
        if "test" in shown and shown["test"][network]["of"]:
            one = shown["test"][network]
            low, high = one["interval"]
            told.append(
                f"{title}: {_share(one)}, 95% interval {percent(low, 1)} to {percent(high, 1)}."
            )
    if "fool" in shown:
        best = [f"{one['name']} {one['points']}" for one in shown["fool"]["board"][:3]]
        told.append(
            f"{count(shown['fool']['votes'], 'vote')}. Points: {', '.join(best) or 'none'}."
        )
    return told


def _share(one: dict[str, Any]) -> str:
    share = "–" if one["share"] is None else percent(one["share"], 1)
    return f"{share} ({one['right']} of {one['of']})"
