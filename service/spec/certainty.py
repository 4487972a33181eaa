"""What a training request may say about how sure the outputs are, and what follows from them."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.spec.spelling import refusal


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


class CostSpec(_Part):
    """What mistakes cost."""

    false_positive: Annotated[float, Field(ge=0)] = Field(
        1.0, description="The cost of a row of the first class that is taken for the second."
    )
    false_negative: Annotated[float, Field(ge=0)] = Field(
        1.0, description="The cost of a row of the second class that is taken for the first."
    )


class ThresholdSpec(_Part):
    """What the threshold between two classes is tuned for: a metric, or the costs of mistakes."""

    metric: Literal["accuracy", "balanced_accuracy", "f1", "matthews_correlation"] | None = Field(
        None, description="The metric that is to be large; F1 is that of the second class."
    )
    cost: CostSpec | None = Field(None, description="The costs of mistakes, whose sum is to be small.")

    @model_validator(mode="after")
    def names_one_goal(self) -> Self:
        """A metric and costs might not agree."""
        if (self.metric is None) == (self.cost is None):
            received = "none" if self.metric is None else "both"
            raise refusal("conflict", f"Expected a metric or costs; received {received}.", "metric")
        return self


class CertaintySpec(BaseModel):
    """The part of a training request that is about probabilities and decisions."""

    calibrate: bool | None = Field(
        None,
        description="Whether probabilities are calibrated by a temperature, which is learnt from the validation part "
        "and kept only if it makes the log loss of rows smaller that it was not learnt from. A preset for classes "
        "does it unless this is false; else it is done if this is true.",
    )
    threshold: ThresholdSpec | None = Field(
        None,
        description="What the threshold between two classes is tuned for on the validation part; 0.5 if not given. It "
        "is the probability of the second class above which a row is taken for it.",
    )
