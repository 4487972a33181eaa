"""A client of Fitd, the service that trains and serves Dense neural networks.

`Client` speaks to a service; `fitd.keras` and `fitd.sklearn` are its faces for who knows those, `fitd` its command.
"""

from fitd.asynchronous.client import AsyncClient
from fitd.embedded import local
from fitd.errors import (
    ApiError,
    Conflict,
    DataError,
    FitdError,
    Forbidden,
    Invalid,
    JobCancelled,
    JobError,
    JobFailed,
    Malformed,
    Mistake,
    NotFound,
    PreconditionFailed,
    ServiceError,
    SettingsError,
    TimedOut,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from fitd.events import Event
from fitd.synchronous.client import Client

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "Conflict",
    "DataError",
    "Event",
    "FitdError",
    "Forbidden",
    "Invalid",
    "JobCancelled",
    "JobError",
    "JobFailed",
    "Malformed",
    "Mistake",
    "NotFound",
    "PreconditionFailed",
    "ServiceError",
    "SettingsError",
    "TimedOut",
    "TooLarge",
    "TooMany",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "local",
]
