import json
import os
import stat
from dataclasses import replace

import numpy as np
import pytest

from hw1bench.records import sealed
from hw1bench.records.about import About
from hw1bench.records.runs import Record
from hw1bench.records.store import Store
from hw1bench.support.arrays import load_arrays, save_arrays
from hw1bench.support.files import used
from old_record import of_schema_1

RECORD = Record(
    {"train_loss": np.arange(12.0).reshape(2, 6), "weights": np.ones((2, 3), np.float32)},
    {"dataset": "sinc", "stand_in": False, "x": [0.1, 0.2]},
    1.5,
)
OF = About(kind="trained", report="T", experiment="x", arms=("a",), first_seed=8, asks="0" * 32)


def same(one, other):
    assert one.facts == other.facts
    assert one.seconds == other.seconds
    assert set(one.arrays) == set(other.arrays)
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        assert array.tobytes() == other.arrays[name].tobytes()


def test_a_record_comes_back_bit_for_bit(tmp_path):
    Store(tmp_path / "blocks").put("key", RECORD, OF)
    same(Store(tmp_path / "blocks").get("key"), RECORD)
    assert Store(tmp_path / "blocks").get("other") is None
    assert [path.name for path in (tmp_path / "blocks").iterdir()] == ["key.npz"]


def test_a_fresh_store_ignores_earlier_records_but_not_its_own(tmp_path):
    Store(tmp_path).put("key", RECORD, OF)
    fresh = Store(tmp_path, fresh=True)
    assert fresh.get("key") is None
    fresh.put("key", RECORD, OF)
    same(fresh.get("key"), RECORD)


def flip(content):
    at = content.index(RECORD.arrays["train_loss"].tobytes()) + 20
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    "damage", [flip, lambda content: content[:100], lambda content: b"", lambda content: b"x" * 50]
)
def test_a_damaged_record_is_noticed_and_ignored(tmp_path, damage):
    said = []
    store = Store(tmp_path, notice=said.append)
    store.put("key", RECORD, OF)
    store.path("key").write_bytes(damage(store.path("key").read_bytes()))
    assert store.get("key") is None
    assert len(said) == 1
    assert "key.npz is damaged" in said[0]


def test_a_whole_file_with_other_content_is_noticed(tmp_path):
    said = []
    store = Store(tmp_path, notice=said.append)
    store.put("key", RECORD, OF)
    with np.load(store.path("key")) as stored:
        arrays = dict(stored)
    arrays["weights"] = arrays["weights"] + 1
    np.savez(store.path("key"), **arrays)
    assert store.get("key") is None
    assert "does not match its digest" in said[0]


def test_pickles_are_never_loaded(tmp_path):
    said = []
    np.savez(tmp_path / "key.npz", weights=np.array([{"a": 1}], dtype=object))
    assert Store(tmp_path, notice=said.append).get("key") is None
    assert "damaged" in said[0]


def other(record, by=1):
    return replace(record, arrays={name: array + by for name, array in record.arrays.items()})


@pytest.mark.parametrize("exchange", ["contents", "one for both", "names"])
def test_a_record_of_another_key_is_noticed_and_ignored(tmp_path, exchange):
    said = []
    store = Store(tmp_path, notice=said.append)
    store.put("mine", RECORD, OF)
    store.put("other", other(RECORD), OF)
    mine, others = (store.path(key).read_bytes() for key in ("mine", "other"))
    if exchange == "names":
        store.path("mine").rename(tmp_path / "between")
        store.path("other").rename(store.path("mine"))
        (tmp_path / "between").rename(store.path("other"))
    else:
        store.path("mine").write_bytes(others)
        store.path("other").write_bytes(mine if exchange == "contents" else others)
    assert store.get("mine") is None
    assert said == ["stored block mine.npz is damaged (it holds block 'other'): it is trained again"]
    store.put("mine", RECORD, OF)
    same(store.get("mine"), RECORD)


def test_a_changed_key_in_a_file_is_noticed(tmp_path):
    said = []
    store = Store(tmp_path, notice=said.append)
    store.put("other", RECORD, OF)
    arrays = load_arrays(store.path("other"))
    arrays["__record__"] = np.array(str(arrays["__record__"]).replace('"other"', '"mine"'))
    save_arrays(store.path("mine"), arrays)
    assert store.get("mine") is None
    assert "does not match its digest" in said[0]


def test_every_flipped_bit_is_noticed_or_gives_the_same_record(quick_disk):
    said = []
    store = Store(quick_disk, notice=said.append)
    record = Record({"train_loss": np.arange(4.0).reshape(2, 2)}, {"x": (0.5,)}, 1.5)
    store.put("key", record, OF)
    content = bytearray(store.path("key").read_bytes())
    equal = 0
    for place in range(len(content)):
        bit = 1 << place % 8  # one of each byte: `test_arrays` takes all
        content[place] ^= bit
        store.path("key").write_bytes(content)
        content[place] ^= bit
        found = store.get("key")
        if found is not None:
            same(found, record)
            equal += 1
    assert equal + len(said) == len(content)
    assert len(said) > len(content) / 2


METAS = [
    "",
    "[]",
    "7",
    "null",
    "[" * 100_000,
    "{}",
    '{"key": "key"}',
    '{"key": "key", "facts": {}, "seconds": "long"}',
    '{"key": "key", "facts": {}, "seconds": null}',
    '{"key": "key", "facts": [], "seconds": 1.5, "digest": 7}',
    '{"key": ["key"], "facts": {}, "seconds": 1.5, "digest": ""}',
]


@pytest.mark.parametrize("meta", METAS, ids=range(len(METAS)))
def test_an_undamaged_file_without_a_record_is_noticed(tmp_path, meta):
    said = []
    save_arrays(tmp_path / "key.npz", {"train_loss": np.zeros((8, 2)), "__record__": np.array(meta)})
    assert Store(tmp_path, notice=said.append).get("key") is None
    assert len(said) == 1
    assert "key.npz is damaged" in said[0]


@pytest.mark.parametrize(
    ("facts", "seconds"), [([], 1.5), (None, 1.5), ("x", 1.5), (7, 1.5), ({}, -1.0), ({}, np.inf), ({}, np.nan)]
)
def test_a_sealed_record_with_odd_facts_or_seconds_is_noticed(tmp_path, facts, seconds):
    said, arrays = [], {"train_loss": np.zeros((8, 2))}
    meta = {"schema": 2, "key": "key", "of": OF.plain, "facts": facts, "seconds": seconds}
    meta["digest"] = sealed._digest(meta, arrays)
    save_arrays(tmp_path / "key.npz", {**arrays, "__record__": np.array(json.dumps(meta))})
    assert Store(tmp_path, notice=said.append).get("key") is None
    assert "does not hold a record" in said[0]


def test_a_pipe_in_place_of_a_block_is_noticed_and_replaced(tmp_path):
    said = []
    os.mkfifo(tmp_path / "key.npz")
    store = Store(tmp_path, notice=said.append)
    assert store.get("key") is None
    assert "it is not a regular file" in said[0]
    store.put("key", RECORD, OF)
    same(store.get("key"), RECORD)


def test_a_record_that_does_not_fit_is_noticed_and_ignored(tmp_path):
    said = []
    store = Store(tmp_path, notice=said.append)
    store.put("key", RECORD, OF)
    assert store.get("key", lambda record: f"it has {len(record.arrays)} arrays") is None
    for name, arrays in (("other", 2), ("key", 2), ("key", 3)):  # a line for each reason
        store.put(name, RECORD, OF)
        assert store.get(name, lambda record, arrays=arrays: f"it has {arrays} arrays") is None
    assert said == [
        f"stored block key.npz cannot be used (it has {arrays} arrays): it is trained again, as are others like it"
        for arrays in (2, 3)
    ]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_blocks_are_readable_as_the_umask_allows(tmp_path, umask):
    before = os.umask(umask)
    try:
        Store(tmp_path).put("key", RECORD, OF)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key.npz").stat().st_mode) == 0o666 & ~umask


def test_a_failed_write_leaves_only_the_old_record(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.put("key", RECORD, OF)

    def fail(*arguments, **named):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        store.put("key", RECORD, OF)
    assert os.listdir(tmp_path) == ["key.npz"]
    same(store.get("key"), RECORD)


def test_a_folder_that_cannot_be_written_gets_one_notice(tmp_path):
    said = []
    folder = tmp_path / "blocks"
    folder.write_text("a file is in the way")
    store = Store(folder, notice=said.append)
    assert store.get("key") is None
    for key in ("key", "other"):
        store.keep(key, RECORD, OF)
        assert store.get(key) is None
    assert said == [
        f"{folder} cannot be written (File exists): what is not stored is trained again in the next session"
    ]
    folder.unlink()
    store.keep("key", RECORD, OF)
    same(store.get("key"), RECORD)


def test_records_of_schema_1_are_rewritten_as_they_are_used_with_one_line(tmp_path):
    said = []
    store = Store(tmp_path, notice=said.append)
    for key in ("one", "other", "third"):
        of_schema_1(store.path(key), key, RECORD)
        assert sealed.about(store.path(key)) is None
    for key in ("one", "other"):
        same(store.get(key, of=OF), RECORD)
        assert sealed.about(store.path(key)) == OF
        same(store.get(key), RECORD)
    assert said == [f"{tmp_path} has records of an earlier schema: those that are used are rewritten"]
    assert sealed.about(store.path("third")) is None
    store.path("third").write_bytes(flip(store.path("third").read_bytes()))
    assert store.get("third", of=OF) is None
    assert "third.npz is damaged" in said[-1]


def test_records_of_a_later_schema_are_refused_with_one_line(tmp_path):
    said = []
    store = Store(tmp_path, notice=said.append)
    for key in ("one", "other"):
        store.put(key, RECORD, OF)
        arrays = load_arrays(store.path(key))
        arrays["__record__"] = np.array(str(arrays["__record__"]).replace('"schema": 2', '"schema": 3'))
        save_arrays(store.path(key), arrays)
        assert store.get(key, of=OF) is None
    assert said == [
        "stored block one.npz is of another version (it has schema 3, and this version knows 2): it is trained again, as are "
        "others like it"
    ]


def test_what_a_record_is_of_comes_back_and_is_sealed(tmp_path):
    store = Store(tmp_path)
    store.put("key", RECORD, OF)
    assert sealed.about(store.path("key")) == OF
    assert OF.whose == "T-x"
    assert replace(OF, report="").whose == "x"
    arrays = load_arrays(store.path("key"))
    arrays["__record__"] = np.array(str(arrays["__record__"]).replace('"first_seed": 8', '"first_seed": 0'))
    save_arrays(store.path("key"), arrays)
    assert sealed.about(store.path("key")) == replace(OF, first_seed=0)  # which only a listing believes
    assert store.get("key") is None


@pytest.mark.parametrize(
    "change",
    [{"arms": "a"}, {"arms": [1]}, {"first_seed": True}, {"first_seed": "8"}, {"kind": "made up"}, {"more": 1}],
)
def test_a_record_that_does_not_say_what_it_is_of_is_none(change):
    assert About.parse(OF.plain) == OF
    with pytest.raises(ValueError, match="does not say what it is of"):
        About.parse({**OF.plain, **change})


def test_a_record_that_is_used_is_the_last_one_used(tmp_path):
    store = Store(tmp_path)
    for key in ("used", "other"):
        store.put(key, RECORD, OF)
        os.utime(store.path(key), (1_000, 1_000))
    store.get("used")
    sealed.about(store.path("other"))
    at = {key: store.path(key).stat() for key in ("used", "other")}
    assert used(at["other"]) == 10**12 < used(at["used"])
    assert at["used"].st_mtime == 1_000  # it was written then
