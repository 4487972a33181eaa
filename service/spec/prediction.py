"""What may be asked of predictions: which outputs, and of a prediction job its version and its dataset."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field

from service.spec.data import ColumnName, check_name
from service.spec.request import Count, Priority, VersionSpec, Word

Output = Literal["predictions", "predicted_classes", "probabilities"]


class PredictionJobRequest(VersionSpec):
    """A request to predict for every row of a stored dataset."""

    dataset: Word = Field(description="The id of a dataset, or its name if no other has it.")
    outputs: list[Output] | None = Field(
        None,
        min_length=1,
        description="What to tell of each row; `predicted_classes` and `probabilities` where the version knows class "
        "names, else `predictions`, if not given.",
    )
    top_k: Count | None = Field(None, description="So many of the likeliest classes of each row, with their scores.")
    interval: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="The probability with which the truth lies in the interval of each output, such as 0.9. Adds the "
        "columns `_low` and `_high` for each number, or for each class `in_set_` with its name.",
    )
    include: list[ColumnName] = Field(
        default_factory=list, description="Columns of the dataset to repeat in the result, an id for instance."
    )
    name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]+$"), AfterValidator(check_name)] | None = Field(
        None, description="Keeps the result under this name until it is deleted; else it goes with the job."
    )
    priority: Priority = Field(0, description="The highest goes first, among equals the oldest.")

    def to_json_dict(self) -> dict[str, Any]:
        """What was asked, without what is the default; `from_json_dict` makes an equal request of it."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def from_json_dict(cls, value: Mapping[str, Any]) -> Self:
        """The request that `to_json_dict` described."""
        return cls.model_validate({key: value[key] for key in value if key in cls.model_fields})
