"""What all connections of one process share."""

from service.api.serving.shortcut import Ways
from service.api.wire.crowd import Crowd
from service.api.wire.head import Limits
from service.config import Settings


class Wire:
    """The limits, the short ways, and the crowd of all connections."""

    def __init__(self, settings: Settings, ways: Ways) -> None:
        self.settings = settings
        self.limits = Limits(settings)
        self.ways = ways
        self.crowd = Crowd(settings)
