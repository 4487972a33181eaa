"""The view of a training that was checked and not queued: its network, its steps and its cost."""

from dataclasses import asdict
from typing import Any, Self

from pydantic import BaseModel, Field

from service.api.http.remarks import Remark
from service.api.jobs.views import FromView
from service.api.models.views import LayerView
from service.checks import CheckedTraining
from service.task.cost import cost_of


class RowsView(BaseModel):
    """How the rows are used."""

    training: int = Field(description="The number of rows that the network learns from.")
    validation: int = Field(description="The number of rows that are held out to measure every epoch.")
    test: int = Field(0, description="The number of rows that are held out to measure the finished version.")


class ValidationView(BaseModel):
    """A training that would be accepted: its network, its steps, its memory, and warnings."""

    valid: bool = Field(True, description="Always true; otherwise the response is a problem.")
    from_: FromView | None = Field(None, alias="from", description="The version that it would go on from, if any.")
    summary: list[LayerView] = Field(description="The layers of the network, from the input to the output.")
    parameters: int = Field(examples=[7114], description="The number of weights and biases.")
    rows: RowsView = Field(description="How many rows each part of the data has.")
    parts: dict[str, Any] | None = Field(None, description="The rows of each part, and of each class in it.")
    features: list[str] | None = Field(None, description="What the columns of a table become, in the order of inputs.")
    steps_per_epoch: int = Field(examples=[32], description="The number of steps of the optimizer in an epoch.")
    steps: int = Field(description="The number of steps of the optimizer in all epochs.", examples=[320])
    memory_bytes: int = Field(description="The estimated memory of the training, in bytes.")
    warnings: list[Remark] = Field(description="Things that are allowed and probably not intended.")
    request: dict[str, Any] = Field(
        description="The whole request, with what a preset makes of it and without data that came with it."
    )

    @classmethod
    def of(cls, checked: CheckedTraining) -> Self:
        """The view of a training that passed all checks."""
        cost, encoder = cost_of(checked.request, checked.dataset, checked.outline), checked.prepared.encoder
        return cls(
            **{"from": checked.request.from_ and checked.request.from_.model_dump()},
            summary=[LayerView(**row) for row in cost.summary],
            parameters=cost.parameters,
            rows=RowsView(
                training=cost.training_rows,
                validation=cost.validation_rows,
                test=0 if checked.dataset.test is None else checked.dataset.test.rows,
            ),
            parts=checked.prepared.parts,
            features=encoder.outputs if encoder.has_names else None,
            steps_per_epoch=cost.steps_per_epoch,
            steps=cost.steps,
            memory_bytes=cost.memory_bytes,
            warnings=[Remark(**asdict(warning)) for warning in checked.warnings],
            request=checked.request.to_json_dict(),
        )
