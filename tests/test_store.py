import os

import numpy as np
import pytest

from hw1bench.runs import Record
from hw1bench.store import Store

RECORD = Record(
    {"train_loss": np.arange(12.0).reshape(2, 6), "weights": np.ones((2, 3), np.float32)},
    {"dataset": "sinc", "stand_in": False, "x": [0.1, 0.2]},
    1.5,
)


def same(one, other):
    assert one.facts == other.facts
    assert one.seconds == other.seconds
    assert set(one.arrays) == set(other.arrays)
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        assert array.tobytes() == other.arrays[name].tobytes()


def test_a_record_comes_back_bit_for_bit(tmp_path):
    Store(tmp_path / "blocks").put("key", RECORD)
    same(Store(tmp_path / "blocks").get("key"), RECORD)
    assert Store(tmp_path / "blocks").get("other") is None
    assert [path.name for path in (tmp_path / "blocks").iterdir()] == ["key.npz"]


def test_fresh_ignores_what_lay_there_before_but_not_what_it_wrote(tmp_path):
    Store(tmp_path).put("key", RECORD)
    fresh = Store(tmp_path, fresh=True)
    assert fresh.get("key") is None
    fresh.put("key", RECORD)
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
    store.put("key", RECORD)
    store.path("key").write_bytes(damage(store.path("key").read_bytes()))
    assert store.get("key") is None
    assert len(said) == 1
    assert "key.npz is damaged" in said[0]


def test_a_whole_file_with_other_content_is_noticed(tmp_path):
    said = []
    store = Store(tmp_path, notice=said.append)
    store.put("key", RECORD)
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


def test_a_failed_write_leaves_the_old_record_and_no_litter(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.put("key", RECORD)

    def fail(*arguments, **named):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        store.put("key", RECORD)
    assert os.listdir(tmp_path) == ["key.npz"]
    same(store.get("key"), RECORD)
