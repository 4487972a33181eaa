"""How far a training job is, and of a bag which of its members."""

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, Field

from service.jobs import Job, Status


class Progress(BaseModel):
    """How far a job is."""

    epoch: int = Field(description="The number of finished epochs; of a bag, those of the member in training.")
    epochs: int = Field(description="The number of epochs in the request; of a bag, those of each member.")
    member: int | None = Field(None, description="The member of a bag that is in training, counted from 1.")
    members: int | None = Field(None, description="The number of members that the bag will have.")
    fraction: float = Field(description="The finished share of the work, 0 to 1.")
    eta_seconds: float | None = Field(
        description="The estimated time until the end, in seconds; null while there is no estimate."
    )

    @classmethod
    def of(cls, job: Job) -> Self:
        """How far a training job is."""
        member, epoch = job.place(job.epoch)
        return cls(
            epoch=epoch,
            epochs=job.epochs // (job.members or 1),
            fraction=job.fraction,
            eta_seconds=eta_seconds(job),
            member=member,
            members=job.members,
        )


def eta_seconds(job: Job) -> float | None:
    """The time to the end of a running job, as far as it is known."""
    if job.expected_at is None or job.status is not Status.RUNNING:
        return None
    return round(max(0.0, (job.expected_at - datetime.now(UTC)).total_seconds()), 3)
