"""Records move between stores in a tar: whole ones alone, and nothing but records."""

import io
import os
import tarfile
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench.records import moving, sealed, stock
from hw1bench.records.about import About
from hw1bench.records.runs import Record
from hw1bench.records.store import Store
from hw1bench.specs.experiment import digest
from hw1bench.support.arrays import load_arrays

RECORD = Record({"train_loss": np.arange(24.0).reshape(8, 3)}, {"dataset": "made up"}, 1.5)
OF = About(kind="trained", report="T", experiment="x", arms=("a",), first_seed=0, asks="0")
KEYS = sorted(digest(name) for name in "abc")


@pytest.fixture
def full(tmp_path):
    """A store with three records, and what tells what is said."""
    store = Store(tmp_path / "full")
    for at, key in enumerate(KEYS):
        store.put(key, replace(RECORD, seconds=1.0 + at), replace(OF, first_seed=8 * at))
    return store


@pytest.fixture
def said():
    return []


@pytest.fixture
def packed(tmp_path, full, said):
    file = tmp_path / "blocks.tar"
    moved = moving.pack(stock.entries(full.folder), file, said.append)
    assert (moved.records, moved.refused, said) == (3, 0, [])
    return file


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def test_records_arrive_byte_for_byte_and_what_is_there_stays(tmp_path, full, packed, said):
    to = Store(tmp_path / "to")
    to.put(KEYS[1], replace(RECORD, seconds=99.0), OF)
    there = contents(to.folder)
    moved = moving.unpack(packed, to.folder, said.append)
    assert (moved.records, moved.there, moved.refused, said) == (2, 1, 0, [])
    assert contents(to.folder) == contents(full.folder) | there
    assert moved.size == sum(len(content) for content in contents(to.folder).values()) - len(*there.values())
    assert [to.get(key).seconds for key in KEYS] == [1.0, 99.0, 3.0]
    again = moving.unpack(packed, to.folder, said.append)
    assert (again.records, again.there) == (0, 3)


def test_the_file_is_a_plain_tar_of_regular_files_without_a_trace_of_its_maker(packed):
    with tarfile.open(packed) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [f"{key}.npz" for key in KEYS]
    assert all(member.isreg() for member in members)
    assert {(member.uid, member.uname, member.mode) for member in members} == {(0, "", 0o644)}


def test_damaged_records_and_records_that_are_gone_are_not_packed(tmp_path, full, said):
    entries = stock.entries(full.folder)
    full.path(KEYS[0]).unlink()
    path = full.path(KEYS[1])
    content = path.read_bytes()
    at = content.index(RECORD.arrays["train_loss"].tobytes()) + 20
    path.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
    moved = moving.pack(entries, tmp_path / "blocks.tar", said.append)
    assert (moved.records, moved.refused) == (1, 1)
    (line,) = said
    assert line.startswith(f"'{KEYS[1]}.npz' is left out: ")


def member(name, **fields):
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def tar(path, *members):
    with tarfile.open(path, "w") as file:
        for made, content in members:
            made.size = len(content)
            file.addfile(made, io.BytesIO(content))
    return path


NAME = f"{KEYS[0]}.npz"
HOSTILE = {
    "a path above": (member(f"../{NAME}"), "does not have the name of a record"),
    "a path from the root": (member(f"/tmp/{NAME}"), "does not have the name of a record"),
    "a path below": (member(f"blocks/{NAME}"), "does not have the name of a record"),
    "another name": (member(".bashrc"), "does not have the name of a record"),
    "a name with a line break": (member(f"{NAME}\n"), "does not have the name of a record"),
    "a symbolic link": (member(NAME, type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is not a regular file"),
    "a hard link": (member(NAME, type=tarfile.LNKTYPE, linkname="../secret"), "is not a regular file"),
    "a device": (member(NAME, type=tarfile.CHRTYPE), "is not a regular file"),
    "a pipe": (member(NAME, type=tarfile.FIFOTYPE), "is not a regular file"),
    "a folder": (member(NAME, type=tarfile.DIRTYPE), "is not a regular file"),
    "nothing in it": (member(NAME), "is left out"),
}


@pytest.mark.parametrize(("made", "why"), HOSTILE.values(), ids=HOSTILE)
def test_a_member_that_is_no_record_is_refused_by_name_and_the_rest_taken(tmp_path, full, said, made, why):
    whole = full.path(KEYS[2]).read_bytes()
    before = sorted(tmp_path.rglob("*"))
    file = tar(tmp_path / "hostile.tar", (made, b""), (member(f"{KEYS[2]}.npz"), whole))
    to = tmp_path / "to"
    moved = moving.unpack(file, to, said.append)
    assert (moved.records, moved.refused) == (1, 1)
    (line,) = said
    assert why in line
    assert "\n" not in line
    assert contents(to) == {f"{KEYS[2]}.npz": whole}
    assert sorted(tmp_path.rglob("*")) == sorted([*before, file, to, to / f"{KEYS[2]}.npz"])


def pickled():
    content = io.BytesIO()
    np.savez(content, train_loss=np.array([{"a": 1}], dtype=object))
    return content.getvalue()


def test_a_record_under_another_name_a_pickle_and_a_large_one_are_refused(tmp_path, full, said, monkeypatch):
    whole = full.path(KEYS[1]).read_bytes()
    monkeypatch.setattr(moving, "LARGEST", len(whole))
    file = tar(
        tmp_path / "wrong.tar",
        (member(f"{KEYS[0]}.npz"), whole),
        (member(f"{KEYS[2]}.npz"), pickled()),
        (member(f"{digest('large')}.npz"), whole + b"\0"),
        (member(f"{KEYS[1]}.npz"), whole),
        (member(f"{KEYS[1]}.npz"), whole),
    )
    moved = moving.unpack(file, tmp_path / "to", said.append)
    assert (moved.records, moved.refused) == (1, 3)
    assert [line.split("'")[1] for line in said] == [f"{one}.npz" for one in (digest("large"), KEYS[0], KEYS[2])]
    assert f"it holds block {KEYS[1]!r}" in said[1]
    assert contents(tmp_path / "to") == {f"{KEYS[1]}.npz": whole}


def test_of_many_refusals_the_first_are_told(tmp_path, said):
    file = tar(tmp_path / "many.tar", *((member(f"{number}.txt"), b"") for number in range(50)))
    assert moving.unpack(file, tmp_path / "to", said.append).refused == 50
    assert (len(said), said[-1]) == (21, "more are left out")


@pytest.mark.parametrize("content", [b"", b"no tar" * 200, b"PK\3\4" + b"x" * 100])
def test_what_is_no_archive_is_refused_in_a_line(tmp_path, said, content):
    file = tmp_path / "other.tar"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.tar") as caught:
        moving.unpack(file, tmp_path / "to", said.append)
    assert "\n" not in str(caught.value)
    assert contents(tmp_path / "to") == {}


def test_a_tar_that_is_cut_short_puts_nothing(tmp_path, packed, said):
    content = packed.read_bytes()
    for end in (len(content) // 2, 600, 511, 1):
        packed.write_bytes(content[:end])
        with pytest.raises(ValueError, match=r"blocks\.tar"):
            moving.unpack(packed, tmp_path / "to", said.append)
        assert contents(tmp_path / "to") == {}


def test_every_flipped_bit_is_noticed_or_gives_the_same_records(tmp_path, full, packed):
    content = packed.read_bytes()
    expected = {key: full.get(key) for key in KEYS}

    @settings(max_examples=150)
    @given(at=st.integers(0, len(content) - 1), bit=st.integers(0, 7))
    def flips(at, bit):
        file, to = tmp_path / "flipped.tar", tmp_path / "flipped"
        file.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        with suppress(ValueError):
            moving.unpack(file, to, lambda text: None)
        for path in to.iterdir() if to.exists() else ():
            found = sealed.unsealed(path.stem, load_arrays(path)).record
            assert found.seconds == expected[path.stem].seconds
            np.testing.assert_array_equal(found.arrays["train_loss"], RECORD.arrays["train_loss"])
            os.unlink(path)

    flips()
