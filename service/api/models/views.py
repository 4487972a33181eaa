"""Views of models and their versions: what the API answers about them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

from pydantic import BaseModel, Field, computed_field

from service.api import fields
from service.api.http.remarks import Remark
from service.api.jobs.views import FromView, Metrics
from service.api.models.score import ScoreView
from service.errors import Finding
from service.storage import Model
from service.versions import Version


class LayerView(BaseModel):
    """One line of a model's summary."""

    layer: str = Field(examples=["dense"], description="The name of the layer.")
    output_shape: list[int | None] = Field(
        examples=[[None, 64]], description="The shape of its outputs; null stands for any number of rows."
    )
    params: int = Field(examples=[6464], description="The number of its weights and biases.")


class ModelLinks(BaseModel):
    """Paths of what belongs to a model."""

    self: fields.SelfLink
    versions: str = Field(description="Path of the versions of the model.")
    labels: str = Field(description="Path of the labels of the model.")
    predict: fields.PredictLink
    evaluate: fields.EvaluateLink
    evaluations: fields.EvaluationsLink


class StatusView(BaseModel):
    """That nothing is wrong, in TensorFlow Serving's words."""

    error_code: str = Field("OK", description="A gRPC status code by name.")
    error_message: str = Field("", description="What is wrong; empty with `OK`.")


class VersionStatusView(BaseModel):
    """What TensorFlow Serving says of a version that answers."""

    version: str = Field(examples=["1"], description="The number of the version, as a text.")
    state: str = Field("AVAILABLE", description="The state of the version in TensorFlow Serving.")
    status: StatusView = Field(StatusView(), description="Whether an error was found.")


class ModelView(BaseModel):
    """A named model; its latest version answers predictions."""

    name: fields.ModelName
    latest_version: int | None = Field(description="The highest version number; null if every version was deleted.")
    versions: int = Field(description="The number of versions.")
    created_at: fields.CreatedAt
    updated_at: fields.UpdatedAt
    links: ModelLinks = Field(description="Paths of the resources that belong to the model.")

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

    model_version_status: list[VersionStatusView] = Field(
        [], description="The versions that can be used, newest first, as TensorFlow Serving lists them."
    )

    @classmethod
    def with_versions(cls, model: Model, numbers: list[int]) -> Self:
        """The view of a model with the versions of these numbers."""
        status = [VersionStatusView(version=str(number)) for number in numbers]
        return cls.of(model).model_copy(update={"model_version_status": status})


class VersionLinks(BaseModel):
    """Paths of what belongs to a version."""

    self: fields.SelfLink
    model: fields.ModelLink
    job: str | None = Field(description="Path of the training job that made the version; null if it was imported.")
    predict: fields.PredictLink
    evaluate: fields.EvaluateLink
    evaluations: fields.EvaluationsLink
    export: str = Field(description="Path of the version as a file of Keras, ONNX, Python or others.")


class VersionView(BaseModel):
    """One trained set of weights, which never changes, and how it came about."""

    model: fields.ModelName
    version: fields.VersionNumber
    from_: FromView | None = Field(None, alias="from", description="The version that its training went on from.")
    spec: dict[str, Any] = Field(description="The network as it was requested: its layers.")
    compile: dict[str, Any] = Field(description="The optimizer, loss and metrics as they were requested.")
    fit: dict[str, Any] = Field(description="The arguments of the training as they were requested.")
    summary: list[LayerView] = Field(
        description="The layers of the network, from the input to the output; of a bag, those of one member."
    )
    members: int | None = Field(None, description="The number of such networks in a bag, which predicts their mean.")
    metrics: Metrics = Field(
        description="Loss and metrics of the last epoch by name; those of validation data begin with `val_`. Of a bag, "
        "they are means over its members."
    )
    score: ScoreView | None = Field(
        description="How well the version predicts held-out rows; null where none were held out."
    )
    input: dict[str, Any] = Field(
        examples=[{"features": None, "shape": [None, 100]}],
        description="The inputs that the version takes: `shape`, where null stands for any number of rows, and "
        "`features` with the columns of a table.",
    )
    output: dict[str, Any] = Field(
        examples=[{"classes": ["cat", "dog"], "shape": [None, 2]}],
        description="The outputs that the version returns: `shape`, where null stands for any number of rows, and "
        "`classes` with the names of classes.",
    )
    data: dict[str, Any] = Field(
        description="The stored dataset that it was trained on: which columns were used and which rows were held out."
    )
    environment: dict[str, Any] = Field(description="The releases of Fitd, Python and NumPy that trained it.")
    timing: dict[str, Any] = Field(description="Durations of the training by phase, in seconds.")
    sha256: str = Field(description="Hash of the weights in the safetensors format.")
    size_bytes: int = Field(description="Size of the weights, in bytes.")
    created_at: fields.CreatedAt
    partial: bool = Field(description="Whether the version was kept from a training that was cancelled.")
    job: str | None = Field(description="The id of the training job that made it; null if it was imported.")
    links: VersionLinks = Field(description="Paths of the resources that belong to the version.")

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
            input={key: version.input[key] for key in version.input if key != "typical"},
            output=_shown(version.output),
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


def _shown(output: dict[str, Any]) -> dict[str, Any]:
    """What comes out of a version, without the thousand scores behind its intervals."""
    shown = dict(output)
    if "conformity" in shown:
        shown["conformity"] = {key: shown["conformity"][key] for key in ("part", "rows")}
    return shown


class ImportedVersionView(VersionView):
    """A version that came in, and what it could not keep of what came."""

    warnings: list[Remark] = Field(
        description="Parts of the file that Fitd does not know and left out, such as a custom loss."
    )

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

    id: str = Field(description="The id of the evaluation.")
    model: fields.ModelName
    version: fields.VersionNumber
    dataset: fields.DatasetId
    part: str | None = Field(
        description="`test` if it was measured on the rows that the training held out; null otherwise."
    )
    rows: fields.RowCount
    metrics: Metrics = Field(description="Loss and metrics by name.")
    report: dict[str, Any] = Field(
        description="Confusion matrix, curves and the like, as in the response of `:evaluate`."
    )
    created_at: fields.CreatedAt


class EvaluationPage(BaseModel):
    """Some evaluations, newest first."""

    items: list[KeptEvaluation] = Field(description="The evaluations of this page, newest first.")
    next_cursor: fields.NextCursor


class ModelPage(BaseModel):
    """Some models, by name."""

    items: list[ModelView] = Field(description="The models of this page, by name.")
    next_cursor: fields.NextCursor


class VersionPage(BaseModel):
    """Some versions of a model, newest first."""

    items: list[VersionView] = Field(description="The versions of this page, newest first.")
    next_cursor: fields.NextCursor
