"""What Lambda calls: `serving.aws_lambda.handler.handler`.

The model is loaded when this is imported: Lambda gives that phase a whole processor, whatever memory the
function has, and a snapshot (SnapStart) is taken after it.
"""

from __future__ import annotations

from .function import Function
from .settings import FunctionSettings
from .source import source_of

_settings = FunctionSettings.from_environment()
handler = Function(_settings, source_of(_settings))
