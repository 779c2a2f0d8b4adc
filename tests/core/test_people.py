"""The database of people's drawings, and what can be kept in it."""

from __future__ import annotations

import multiprocessing
import sqlite3

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from mnist_core.data import database, people
from mnist_core.data.drawing import Drawing, agreed_label, checked_strokes
from mnist_core.errors import DatabaseError, WrongDrawing
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models import serving
from mnist_core.models.reading import read_strokes
from mnist_core.room import deletion
from tests.postgresql import postgresql_address

SEVEN = [[[80.0, 60.0, 0.0], [250.0, 60.0, 90.0], [140.0, 280.0, 240.0]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path, monkeypatch):
    """An empty database of the test's own, of either kind."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    if request.param == "postgresql":
        monkeypatch.setenv("MNIST_DATABASE_URL", postgresql_address())
    else:
        monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    yield tmp_path
    database.engine().dispose()


@pytest.fixture
def sqlite_store(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    return tmp_path


def seven(key: str = "a", **changes) -> Drawing:
    return Drawing(key, SEVEN, 18, 336, **changes)


def test_a_drawing_comes_back_as_it_was_drawn(store):
    answers = {"cnn": {"model": "cnn", "digit": 1, "confidence": 0.62, "is_digit": True,
                       "probabilities": [0.0, 0.62, *[0.0475] * 8]}}  # fmt: skip
    kept = seven(label=7, label_source="said", answers=answers, room_code="BLUE", created_at=1e9)
    number = people.add(kept, "secret")
    (found,) = people.listed()
    assert found.id == number
    assert found.strokes == SEVEN
    assert (found.label, found.label_source, found.answers) == (7, "said", answers)
    assert (found.width_px, found.size_px, found.room_code) == (18, 336, "BLUE")
    assert found.created_at == 1e9


def test_a_drawing_s_image_is_the_one_that_is_read_however_large_its_canvas(monkeypatch):
    """It had straight lines, and the canvas's own size: half a second for a large one."""
    monkeypatch.setattr(serving, "networks", lambda: {})
    for factor in (1, 4096 / 336):
        strokes = [[[factor * x, factor * y] for x, y, _ in stroke] for stroke in SEVEN]
        kept = Drawing("a", strokes, 18 * factor, 336 * factor)
        read = read_strokes(kept.ink, kept.width_px, kept.size_px).image
        np.testing.assert_array_equal(kept.image(), read)


def test_drawings_kept_together_are_counted_where_they_are_new(store):
    hashed = people.token_hash("secret")
    some = [(seven(key), hashed) for key in "abc"]
    assert people.add_all(some[:2]) == 2
    assert people.add_all(some) == 1
    assert people.add_all(some) == 0


def test_who_reads_sees_one_state(store):
    """On PostgreSQL each statement saw what had been written before it."""
    people.add(seven("a"), "secret")
    count = sa.select(sa.func.count()).select_from(people.drawings)
    with database.reading() as connection:
        assert connection.execute(count).scalar_one() == 1
        people.add(seven("b"), "secret")
        assert connection.execute(count).scalar_one() == 1
    with database.reading() as connection:
        assert connection.execute(count).scalar_one() == 2


def test_the_same_key_twice_is_one_drawing(store):
    first = people.add(seven(label=7, label_source="said"), "secret")
    again = people.add(seven(label=1, label_source="said"), "secret")
    assert again == first
    assert [d.label for d in people.listed()] == [7]


def test_only_the_writer_takes_a_drawing_back(store):
    number = people.add(seven(), "mine")
    assert not people.take_back(number, "somebody else's")
    assert not people.set_label(number, 3, "said", "somebody else's")
    assert people.set_label(number, 7, "said", "mine")
    assert [d.label for d in people.listed(labelled=True)] == [7]
    assert people.take_back(number, "mine")
    assert people.listed() == []


def test_forgetting_a_writer_leaves_the_others(store):
    for key in ("a", "b"):
        people.add(seven(key), "mine", "Ada")
    people.add(seven("c"), "theirs")
    assert deletion.forget("mine") == 2
    assert [d.client_key for d in people.listed()] == ["c"]
    assert len(people.writer_hashes()) == 1
    assert deletion.forget("mine") == 0


def test_a_token_is_kept_as_its_hash_alone(sqlite_store):
    people.add(seven(), "a-secret-of-mine")
    database.engine().dispose()
    kept = b"".join(path.read_bytes() for path in sqlite_store.iterdir())
    assert b"a-secret-of-mine" not in kept
    assert people.token_hash("a-secret-of-mine").encode() in kept


def hide(number: int, hidden: bool = True) -> None:
    one = sa.update(people.drawings).where(people.drawings.c.id == number)
    with database.transaction() as connection:
        connection.execute(one.values(hidden=hidden))


def test_the_state_tells_which_drawings_are_shown_and_what_was_said_of_each(store):
    """Regression: one hidden and another shown, or labels that weigh the same, told nothing new."""
    assert people.state() == people.state()
    first, second, third = (
        people.add(seven(key, label=7, label_source="said"), "mine") for key in "abc"
    )
    states = [people.state()]
    hide(first)
    states.append(people.state())
    hide(first, False)
    hide(second)
    states.append(people.state())
    hide(second, False)
    people.set_label(first, 7, "confirmed")
    states.append(people.state())
    people.set_label(first, 7, "said")
    people.set_label(third, 7, "confirmed")
    states.append(people.state())
    people.set_label(third, 6, "said")
    people.set_label(first, 9, "said")
    states.append(people.state())
    assert len(set(states)) == len(states)


def test_hidden_drawings_are_listed_when_asked_for(store):
    number = people.add(seven(), "mine")
    people.add(seven("b"), "mine")
    hide(number)
    assert [d.client_key for d in people.listed()] == ["b"]
    assert [d.client_key for d in people.listed(hidden=None)] == ["a", "b"]
    assert deletion.delete([number, 10_000]) == 1


@pytest.mark.parametrize("strokes", [
    None, [], [[]], "line", [["ab"]], [[[1]]], [[[1, 2, 3, 4]]], [[[float("nan"), 2]]],
    [[[1e9, 0]]], [[{"x": 1}]], [[[0, 0]]] * 101, [[[0, 0]] * 5001],
])  # fmt: skip
def test_what_is_no_drawing_is_refused_in_a_sentence(strokes):
    with pytest.raises(WrongDrawing, match=r"^A drawing (is a list|has 1 to)"):
        checked_strokes(strokes)


@pytest.mark.parametrize(("label", "source"), [
    (11, "said"), (-1, "said"), (True, "said"), (7, None), (7, "guessed"), (None, "said"),
])  # fmt: skip
def test_what_is_no_label_is_refused(sqlite_store, label, source):
    with pytest.raises(WrongDrawing):
        people.add(seven(label=label, label_source=source), "mine")


def test_networks_that_agree_give_a_label():
    assert agreed_label([(7, True), (7, True)]) == 7
    assert agreed_label([(1, False), (7, False)]) == NOT_A_DIGIT
    with pytest.raises(WrongDrawing, match="One network does not take it for a digit: say which"):
        agreed_label([(7, True), (7, False)])
    for differing in ([(1, True), (7, True)], []):
        with pytest.raises(WrongDrawing, match="The networks do not agree: say which"):
            agreed_label(differing)


def test_a_transaction_that_fails_keeps_nothing(store):
    def add_two() -> None:
        with database.transaction() as connection:
            people.add_within(connection, seven(), "mine")
            people.add_within(connection, seven("b", label=99, label_source="said"), "mine")

    with pytest.raises(WrongDrawing):
        add_two()
    assert people.listed() == []
    assert people.writer_hashes() == {}


def test_a_drawing_without_a_writer_is_impossible(store):
    people.add(seven(), "mine")
    row = {"client_key": "x", "writer_id": 99, "strokes": [], "width_px": 1, "size_px": 1,
           "answers": {}, "created_at": 0}  # fmt: skip
    with pytest.raises(IntegrityError), database.transaction() as connection:
        connection.execute(sa.insert(people.drawings).values(row))


def test_the_tables_are_those_that_the_steps_make(store):
    """What the code reads and what the migrations built may not drift apart."""
    inspector = sa.inspect(database.engine())
    for table in (people.writers, people.drawings):
        made = {c["name"]: c["nullable"] for c in inspector.get_columns(table.name)}
        assert made == {c.name: c.nullable for c in table.columns}


def _add_after_fork(key: str) -> str:
    people.add(seven(key), key)
    return key


def test_a_forked_child_writes_through_connections_of_its_own(store):
    people.add(seven("parent"), "parent")
    mine = database.engine()
    with multiprocessing.get_context("fork").Pool(3) as children:
        children.map(_add_after_fork, [f"child {i}" for i in range(12)], chunksize=1)
    assert database.engine() is mine
    assert len(people.listed()) == 13


def _start(key: str) -> int:
    return people.add(seven(key), key)


def test_copies_that_start_at_once_make_the_tables_once(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "new folder"))
    monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    with multiprocessing.get_context("fork").Pool(6) as copies:
        ids = copies.map(_start, [f"copy {i}" for i in range(6)], chunksize=1)
    assert sorted(ids) == [1, 2, 3, 4, 5, 6]


def test_copies_that_start_at_once_on_postgresql(monkeypatch):
    monkeypatch.setenv("MNIST_DATABASE_URL", postgresql_address())
    with multiprocessing.get_context("fork").Pool(6) as copies:
        ids = copies.map(_start, [f"copy {i}" for i in range(6)], chunksize=1)
    assert len(set(ids)) == 6


def test_a_locked_database_is_told_in_a_sentence(sqlite_store, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    people.add(seven(), "mine")
    with sqlite3.connect(sqlite_store / "people.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match=r"people\.db is locked .* try again"):
            people.add(seven("b"), "mine")
        assert len(people.listed()) == 1  # who reads need not wait
        other.execute("ROLLBACK")
    other.close()
    assert people.add(seven("b"), "mine") == 2


def test_a_full_disk_is_told_in_a_sentence(sqlite_store):
    people.add(seven(), "mine")
    with database.reading() as connection:  # the pool has this one connection
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    long = Drawing("long", [SEVEN[0] * 16] * 100, 18, 336)
    with pytest.raises(DatabaseError, match="disk is full; make room"):
        people.add(long, "mine")
    assert people.listed()


def test_a_database_that_may_not_be_written_is_told(sqlite_store, monkeypatch):
    people.add(seven(), "mine")
    database.engine().dispose()
    file = sqlite_store / "people.db"
    monkeypatch.setenv("MNIST_DATABASE_URL", f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(DatabaseError, match="can be read but not written"):
        people.add(seven("b"), "mine")


def test_a_database_that_cannot_be_there_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "file"))
    monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    with pytest.raises(DatabaseError, match="cannot be opened"):
        people.listed()


def test_a_file_that_is_no_database_is_told_and_left_alone(sqlite_store):
    (sqlite_store / "people.db").write_bytes(b"a shopping list " * 100)
    with pytest.raises(DatabaseError, match="is no database; move the file away"):
        people.listed()
    assert (sqlite_store / "people.db").read_bytes() == b"a shopping list " * 100


def test_a_database_of_a_newer_version_is_left_alone(sqlite_store):
    people.add(seven(), "mine")
    database.engine().dispose()
    with sqlite3.connect(sqlite_store / "people.db") as newer:
        newer.execute("UPDATE alembic_version SET version_num = 'the future'")
    newer.close()
    database._engines.clear()
    with pytest.raises(DatabaseError, match="newer version of this app; update the app"):
        people.listed()


@pytest.mark.parametrize("address", ["mysql://a/b", "people.db", "postgresql//x", "://"])
def test_an_address_that_is_none_is_told(monkeypatch, address):
    monkeypatch.setenv("MNIST_DATABASE_URL", address)
    with pytest.raises(DatabaseError, match="MNIST_DATABASE_URL names no database"):
        people.listed()


def test_a_server_that_is_away_is_told_without_the_password(monkeypatch):
    address = "postgresql://me:hidden-word@127.0.0.1:9/people"
    monkeypatch.setenv("MNIST_DATABASE_URL", address)
    with pytest.raises(DatabaseError, match=r"people on 127\.0\.0\.1 cannot be reached") as told:
        people.listed()
    assert "hidden-word" not in str(told.value)


def test_strokes_are_rounded_to_a_hundredth_pixel():
    (((x, y, ms),),) = checked_strokes([[(1.23456, np.float32(2), 17)]])
    assert (x, y, ms) == (1.23, 2.0, 17.0)
