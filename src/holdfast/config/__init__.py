"""Settings: one file, the environment above it, every error told at once.

What lives here: the shapes (`shapes`), the reading (`load`), what must hold between settings (`checks`), and
errors as people read them (`problems`).
What never will: acting on a setting.
"""

from holdfast.config.load import load
from holdfast.config.problems import ConfigError, Problem
from holdfast.config.shapes import EngineSettings, Settings, StageSettings, UpstreamSettings

__all__ = [
    "ConfigError",
    "EngineSettings",
    "Problem",
    "Settings",
    "StageSettings",
    "UpstreamSettings",
    "load",
]
