"""A cluster that is made up: a link to processes that carry out orders in this one, and a display that keeps what it is told."""

from dataclasses import replace

import pytest

from hw1bench.executors import packing, worker
from hw1bench.support.progress import Silent

TWO = [("one", "first.host", {"CPU": 4.0}), ("two", "second.host", {"CPU": 2.0})]


class Processes:
    """A link to processes that carry out orders in this one, as soon as they come, or when they are ``let``."""

    def __init__(self, nodes=TWO, unlike=(), patient=False):
        self.nodes, self.unlike, self.patient = nodes, unlike, patient
        self.sent, self.objects, self.orders, self.ended = [], {}, [], False

    def listen(self, heard):
        self.heard = heard

    def send(self, word, *rest):
        self.sent.append((word, *rest))
        getattr(self, word)(*rest)

    def put(self, number, thing):
        self.objects[number] = thing

    def drop(self, number):
        del self.objects[number]

    def order(self, number, function, arguments, processors, gpus):
        self.orders.append((number, function, arguments))
        if not self.patient:
            self.let()

    def let(self, how_many=1000):
        for _ in range(min(how_many, len(self.orders))):
            number, function, arguments = self.orders.pop(0)
            self.objects[number] = found = self.call(function, arguments)
            self.heard("done", number, found)

    def question(self, number, node, function, arguments, gpus):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker, "_node", lambda: node)
            found = self.call(function, arguments)
        if node in self.unlike:
            found = self.differs(function, found)
        self.heard("done", number, found)

    def differs(self, function, found):
        if function == "names":
            return [f"{name} elsewhere" for name in found]
        machine = packing.loads(found)
        return packing.dumps(
            replace(machine, kind="other", environment={**machine.environment, "isa": "another", "threads": 64})
        )

    def call(self, function, arguments):
        found = [self.objects[one[0]] if isinstance(one, list) else one for one in arguments]
        return getattr(worker, function)(*found)

    def end(self):
        self.ended = True

    def words(self, word):
        return [rest for sent, *rest in self.sent if sent == word]


class Said(Silent):
    def __init__(self):
        self.lines, self.labels = [], []

    def notice(self, text):
        self.lines.append(text)

    def start(self, label, steps):
        self.labels.append((label, steps))

    def advance(self, steps, label=""):
        self.labels.append((label, steps))
