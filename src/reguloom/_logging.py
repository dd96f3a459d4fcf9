"""The package's logger. A library stays silent: the command line adds the handler, nobody else does."""

from __future__ import annotations

import logging

logger = logging.getLogger("reguloom")
logger.addHandler(logging.NullHandler())
