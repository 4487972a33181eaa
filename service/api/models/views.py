"""Views of models and their versions: what the API answers about them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, computed_field

from service.api.http.remarks import Remark
from service.api.jobs.views import FromView, Metrics
from service.api.models.score import ScoreView
from service.errors import Finding
from service.storage import Model
from service.versions import Version


class LayerView(BaseModel):
    """One line of a model's summary."""

    layer: str = Field(examples=["dense"])
    output_shape: list[int | None] = Field(examples=[[None, 64]])
    params: int = Field(examples=[6464])


class ModelLinks(BaseModel):
    """Paths of what belongs to a model."""

    self: str
    versions: str
    labels: str
    predict: str
    evaluate: str
    evaluations: str


class StatusView(BaseModel):
    """That nothing is wrong, in TensorFlow Serving's words."""

    error_code: str = "OK"
    error_message: str = ""


class VersionStatusView(BaseModel):
    """What TensorFlow Serving says of a version that answers."""

    version: str = Field(examples=["1"])
    state: str = "AVAILABLE"
    status: StatusView = StatusView()


class ModelView(BaseModel):
    """A named model; its latest version answers predictions."""

    name: str
    latest_version: int | None
    versions: int = Field(description="How many versions there are.")
    created_at: datetime
    updated_at: datetime
    links: ModelLinks

    @classmethod
    def of(cls, model: Model) -> Self:
        """The view of a model."""
        path = f"/v1/models/{model.name}"
        return cls(
            name=model.name,
            latest_version=model.latest,
            versions=model.versions,
            created_at=model.created_at,
            updated_at=model.updated_at,
            links=ModelLinks(
                self=path,
                versions=f"{path}/versions",
                labels=f"{path}/labels",
                predict=f"{path}:predict",
                evaluate=f"{path}:evaluate",
                evaluations=f"{path}/evaluations",
            ),
        )


class ModelStatusView(ModelView):
    """A model and, as TensorFlow Serving lists them, the versions that answer, newest first."""

    model_version_status: list[VersionStatusView] = []

    @classmethod
    def with_versions(cls, model: Model, numbers: list[int]) -> Self:
        """The view of a model with the versions of these numbers."""
        status = [VersionStatusView(version=str(number)) for number in numbers]
        return cls.of(model).model_copy(update={"model_version_status": status})


class VersionLinks(BaseModel):
    """Paths of what belongs to a version."""

    self: str
    model: str
    job: str | None
    predict: str
    evaluate: str
    evaluations: str
    export: str


class VersionView(BaseModel):
    """One trained set of weights, which never changes, and how it came about."""

    model: str
    version: int
    from_: FromView | None = Field(None, alias="from", description="The version that its training went on from.")
    spec: dict[str, Any]
    compile: dict[str, Any]
    fit: dict[str, Any]
    summary: list[LayerView] = Field(description="The layers; of a bag those of one member.")
    members: int | None = Field(None, description="How many such networks a bag has, whose mean it predicts.")
    metrics: Metrics = Field(description="Of the last epoch; of a bag the means over its members.")
    score: ScoreView | None = Field(description="How it does on held-out rows; null where none were held out.")
    input: dict[str, Any] = Field(examples=[{"features": None, "shape": [None, 100]}])
    output: dict[str, Any] = Field(examples=[{"classes": ["cat", "dog"], "shape": [None, 2]}])
    data: dict[str, Any] = Field(description="Of a stored dataset: what was learnt from and what was held out.")
    environment: dict[str, Any] = Field(description="What it was trained with.")
    timing: dict[str, Any] = Field(description="Durations in seconds.")
    sha256: str = Field(description="Of the weights, as safetensors.")
    size_bytes: int
    created_at: datetime
    partial: bool = Field(description="Whether its training was cancelled before its end.")
    job: str | None = Field(description="The training job that made it.")
    links: VersionLinks

    @classmethod
    def of(cls, version: Version) -> Self:
        """The view of a version."""
        model = f"/v1/models/{version.model}"
        path = f"{model}/versions/{version.number}"
        return cls(
            model=version.model,
            version=version.number,
            **{"from": version.environment.get("from")},
            spec=version.spec,
            compile=version.compile,
            fit=version.fit,
            summary=[LayerView(**line) for line in version.summary],
            members=version.members,
            metrics=version.metrics,
            score=None if version.score is None else ScoreView(**version.score),
            input=version.input,
            output=version.output,
            data=version.data,
            environment={key: value for key, value in version.environment.items() if key not in ("from", "members")},
            timing=version.timing,
            sha256=version.sha256,
            size_bytes=version.size_bytes,
            created_at=version.created_at,
            partial=version.partial,
            job=version.job_id,
            links=VersionLinks(
                self=path,
                model=model,
                job=version.job_id and f"/v1/training-jobs/{version.job_id}",
                predict=f"{path}:predict",
                evaluate=f"{path}:evaluate",
                evaluations=f"{path}/evaluations",
                export=f"{path}/export",
            ),
        )


class ImportedVersionView(VersionView):
    """A version that came in, and what it could not keep of what came."""

    warnings: list[Remark] = Field(description="What the file says and nobody here knows, such as a loss of one's own.")

    @classmethod
    def with_warnings(cls, version: Version, warnings: Sequence[Finding]) -> Self:
        """The view of a version with the warnings of its import."""
        remarks = [Remark(**asdict(warning)) for warning in warnings]
        return cls(**dict(VersionView.of(version)), warnings=remarks)


class AnsweringVersionView(VersionView):
    """A version and, as TensorFlow Serving says it, that it answers."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def model_version_status(self) -> list[VersionStatusView]:
        """This version alone."""
        return [VersionStatusView(version=str(self.version))]


class KeptEvaluation(BaseModel):
    """What a version got right and wrong on a dataset, on data of a request, or on the part held out for a test."""

    id: str
    model: str
    version: int
    dataset: str | None
    part: str | None
    rows: int
    metrics: Metrics
    report: dict[str, Any]
    created_at: datetime


class EvaluationPage(BaseModel):
    """Some evaluations, newest first."""

    items: list[KeptEvaluation]
    next_cursor: str | None


class ModelPage(BaseModel):
    """Some models, by name."""

    items: list[ModelView]
    next_cursor: str | None


class VersionPage(BaseModel):
    """Some versions of a model, newest first."""

    items: list[VersionView]
    next_cursor: str | None
