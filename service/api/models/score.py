"""The view of a score: how a model does on held-out rows, compared with a baseline."""

from typing import Literal

from pydantic import BaseModel, Field

from service.api.http.remarks import Remark


class ScoreView(BaseModel):
    """How the network does on held-out rows, compared with a baseline that ignores the inputs."""

    part: Literal["test", "validation", "out_of_fold"] = Field(description="Which held-out rows it was measured on.")
    metric: str = Field(description="The metric that counts: `log_loss` of classes, `rmse` of numbers.")
    value: float | None = Field(description="That metric of the network.")
    baseline: float | None = Field(description="The same of the baseline: the mean, or the shares of the classes.")
    skill: float | None = Field(
        description="The share of the baseline's loss that the network saves: 1 is perfect, 0 no better than knowing "
        "nothing."
    )
    higher_is_better: bool = Field(description="Whether more of the metric is better.")
    metrics: dict[str, float | None] = Field(description="All metrics of the network, in the units of the data.")
    baseline_metrics: dict[str, float | None] = Field(description="The same of the baseline; `mae` of the median.")
    rows: int = Field(description="The number of held-out rows.")

    @property
    def warning(self) -> Remark | None:
        """What to say where the network is no better than the baseline."""
        if self.skill is None or self.skill > 0 or self.value is None or self.baseline is None:
            return None
        said = f"On {self.rows} held-out rows its {self.metric} is {self.value:.5g}; knowing nothing gives"
        hint = "More epochs, another learning rate, or other columns may help; so may the preset 'auto'."
        return Remark(pointer="#/data", code="no_better_than_baseline", detail=f"{said} {self.baseline:.5g}. {hint}")
