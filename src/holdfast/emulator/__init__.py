"""`holdfast emulate`: an OpenAI Realtime upstream on this machine that behaves, or misbehaves as told.

async with Emulator(EmulatorOptions(faults=["http:503@1"])) as emulator:
    ...  # dial emulator.url + "?model=gpt-realtime-2.1", then read emulator.records
"""

from holdfast.emulator.faults import FAULTS, FaultSpelling, parse_fault
from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.record import SessionRecord
from holdfast.emulator.script import Call, ScriptError, Turn, parse_script, read_script
from holdfast.emulator.server import Emulator, PortTaken
from holdfast.emulator.session import EmulatedSession
from holdfast.emulator.voice import spoken

__all__ = [
    "FAULTS",
    "Call",
    "EmulatedSession",
    "Emulator",
    "EmulatorOptions",
    "FaultSpelling",
    "PortTaken",
    "ScriptError",
    "SessionRecord",
    "Turn",
    "parse_fault",
    "parse_script",
    "read_script",
    "spoken",
]
