"""The sound of conversations whose speakers agreed to be recorded. Off unless somebody turns it on.

What lives here: both sides on one time line, a file for each session, off the event loop.
What never will: recording without a consent in the book (`ports.sound`).
"""

from holdfast.sound.recorder import RecordingOptions, StereoRecordings, is_possible
from holdfast.sound.retention import Retention

__all__ = ["RecordingOptions", "Retention", "StereoRecordings", "is_possible"]
