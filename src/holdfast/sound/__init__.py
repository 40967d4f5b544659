"""The sound of conversations whose speakers agreed to be recorded. Off unless somebody turns it on.

What lives here: both sides on one time line, a file for each session, off the event loop.
What never will: recording without a consent in the book (`ports.sound`).
"""

from holdfast.sound.recorder import SUFFIX, RecordingOptions, StereoRecordings, is_possible

__all__ = ["SUFFIX", "RecordingOptions", "StereoRecordings", "is_possible"]
