"""`holdfast emulate`: an OpenAI Realtime upstream on this machine that behaves, or misbehaves as told.

async with Emulator(EmulatorOptions(faults=["http:503@1"])) as emulator:
    ...  # dial emulator.url + "?model=gpt-realtime-2.1", then read emulator.records
"""

from holdfast.emulator.dialects import DialectName
from holdfast.emulator.faults import FAULTS, FaultKind
from holdfast.emulator.moments import MOMENTS, Moment, State
from holdfast.emulator.options import Darkness, EmulatorOptions, Tamper
from holdfast.emulator.plan import FaultPlan
from holdfast.emulator.record import Attempt, CreatedItem, Entry, SessionRecord
from holdfast.emulator.script import Call, Script, ScriptError, Step, Turn, parse_script, read_script
from holdfast.emulator.server import Emulator, PortTaken
from holdfast.emulator.session import EmulatedSession
from holdfast.emulator.spelling import FaultSpec, FaultSpelling, parse_fault
from holdfast.emulator.voice import spoken

__all__ = [
    "FAULTS",
    "MOMENTS",
    "Attempt",
    "Call",
    "CreatedItem",
    "Darkness",
    "DialectName",
    "EmulatedSession",
    "Emulator",
    "EmulatorOptions",
    "Entry",
    "FaultKind",
    "FaultPlan",
    "FaultSpec",
    "FaultSpelling",
    "Moment",
    "PortTaken",
    "Script",
    "ScriptError",
    "SessionRecord",
    "State",
    "Step",
    "Tamper",
    "Turn",
    "parse_fault",
    "parse_script",
    "read_script",
    "spoken",
]
