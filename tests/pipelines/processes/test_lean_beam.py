"""Beam without the connectors that nothing here uses."""

import subprocess
import sys

HIDDEN = {
    "pymongo",
    "bson",
    "boto3",
    "botocore",
    "httplib2",
    "pyparsing",
    "beartype",
    "IPython",
    "requests",
    "google.cloud",
    "fastavro",
    "cryptography",
    "proto",
}


def in_fresh_process(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def test_beam__loads_no_connectors():
    in_fresh_process(f"""
import sys
import gristmill.pipelines.stages.score, gristmill.pipelines.runners.options
assert not {HIDDEN!r} & set(sys.modules), {HIDDEN!r} & set(sys.modules)
""")


def test_hidden_packages__can_be_imported_afterwards():
    in_fresh_process("""
import gristmill.pipelines, apache_beam
import boto3, httplib2, pymongo, beartype.door
assert boto3.Session and httplib2.Http and pymongo.MongoClient and beartype.door.is_subhint(bool, int)
""")


def test_avro_and_encryption__work_where_they_are_asked_for():
    in_fresh_process("""
import sys
import gristmill.pipelines, apache_beam
from apache_beam.coders.avro_record import AvroRecord
from apache_beam.coders.coders import AvroGenericCoder
coder = AvroGenericCoder('{"type": "record", "name": "mill", "fields": [{"name": "stones", "type": "int"}]}')
assert coder.decode(coder.encode(AvroRecord({"stones": 3}))).record == {"stones": 3}
from apache_beam.transforms import util
import cryptography.fernet, fastavro.read, proto
assert type(util.Fernet(cryptography.fernet.Fernet.generate_key())) is cryptography.fernet.Fernet
assert proto.Message and fastavro.read.block_reader
""")


def test_numpy__loads_its_type_hints_where_they_are_asked_for():
    in_fresh_process("""
import sys
import gristmill.pipelines, numpy
assert "numpy._typing" not in sys.modules
import numpy.typing
assert numpy.typing.NDArray[numpy.int64].__origin__ is numpy.ndarray
assert numpy.linalg.eig(numpy.eye(2)).eigenvalues.tolist() == [1, 1]
""")


def test_type_hints__are_compared_as_by_beam_alone():
    in_fresh_process("""
import collections.abc, typing
import gristmill.pipelines
from apache_beam.typehints.typehints import is_consistent_with
class Base: ...
class Derived(Base): ...
hints = [Base, Derived, int, bool, str, typing.Hashable, collections.abc.Iterable, typing.NewType('N', int), 3, None]
ours = [[is_consistent_with(a, b) for a in hints] for b in hints]
import apache_beam.typehints.typehints as module
from beartype.door import is_subhint
from beartype.roar import BeartypeDoorException
module.is_subhint, module.BeartypeDoorException = is_subhint, BeartypeDoorException
assert ours == [[is_consistent_with(a, b) for a in hints] for b in hints]
assert any(any(row) for row in ours) and not all(all(row) for row in ours)
""")


def test_states_and_timers__are_those_that_beam_alone_finds():
    in_fresh_process("""
import gristmill.pipelines, apache_beam as beam
from apache_beam.coders import StrUtf8Coder
from apache_beam.transforms import userstate
class Stateful(beam.DoFn):
    STATE = userstate.BagStateSpec('bag', StrUtf8Coder())
    TIMER = userstate.TimerSpec('timer', beam.TimeDomain.WATERMARK)
    def process(self, pair, bag=beam.DoFn.StateParam(STATE), timer=beam.DoFn.TimerParam(TIMER)): ...
    @userstate.on_timer(TIMER)
    def expired(self, bag=beam.DoFn.StateParam(STATE)): ...
class Derived(Stateful):
    def process(self, pair): ...
class Plain(beam.DoFn):
    def process(self, pair): ...
own = Plain()
own.process = Stateful().process
objects = [Stateful(), Plain(), Derived(), own, Plain(), Stateful(), beam.Map(str).fn, beam.Map(str, 1).fn]
ours = [userstate.get_dofn_specs(dofn) for dofn in objects]
assert ours == [userstate.get_dofn_specs.__wrapped__(dofn) for dofn in objects]
assert [(len(states), len(timers)) for states, timers in ours[:5]] == [(1, 1), (0, 0), (1, 0), (1, 1), (0, 0)]
""")


def test_signatures_and_type_hints__are_those_that_beam_alone_finds():
    in_fresh_process("""
import collections.abc, gc, typing, weakref
import gristmill.pipelines, apache_beam as beam
from apache_beam.transforms import core
from apache_beam.typehints import decorators
class Mill(beam.DoFn):
    def process(self, grain: tuple[int, str], stones: int = 2) -> typing.Iterator[bytes]: ...
    @staticmethod
    def still(grain: int) -> int: ...
    @classmethod
    def made(cls, grain: str) -> str: ...
class Other(Mill):
    def process(self, grain): ...
def ground(grain: str, *more: int, **named: bytes) -> float: ...
methods = [Mill().process, Mill().process, Mill.process, Other().process, Mill.made, Mill.still]
places = [*methods, ground, str.upper, len, Mill]
for _ in range(2):
    for look in (core.get_signature, decorators.IOTypeHints.from_callable):
        ours, alone = [[one(place) for place in places] for one in (look, look.__wrapped__)]
        assert ours == alone, (ours, alone)
assert core.get_signature(Mill().process) is core.get_signature(Mill().process)
assert len(core.get_signature(Mill.process).parameters) == len(core.get_signature(Mill().process).parameters) + 1
gone = Mill()
core.get_signature(gone.process)
gone = weakref.ref(gone)
gc.collect()
assert gone() is None
""")
