"""Views of the protocol: what it answers about the server and its models, and what it takes."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.api.protocols.signatures import Tensor, inputs_of, outputs_of
from service.config import VERSION
from service.prediction.instances import INPUT, OUTPUT
from service.versions import Version

PLATFORM = "fitd_safetensors"
EXTENSIONS = ["binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics"]


class Refusal(BaseModel):
    """What was wrong, in one sentence."""

    error: str = Field(examples=["#/inputs/0/shape: Expected the shape [rows, 2] with at least one row."])


class ServerView(BaseModel):
    """This server, and which extensions of the protocol it knows."""

    name: str = "fitd"
    version: str = VERSION
    extensions: list[str] = EXTENSIONS


class LiveView(BaseModel):
    """Whether the process answers."""

    live: bool = True


class ReadyView(BaseModel):
    """Whether inferences are answered now."""

    ready: bool = True
    error: str | None = None


class ModelReadyView(BaseModel):
    """Whether this model answers inferences now."""

    name: str
    ready: bool = True


class TensorView(BaseModel):
    """An input or output; a size of -1 is for any number of rows."""

    name: str
    datatype: str = "FP32"
    shape: list[int] = Field(examples=[[-1, 100]])

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """The view of a tensor."""
        return cls(name=tensor.name, datatype=tensor.datatype, shape=[-1, *_sizes(tensor)])


class ModelMetadataView(BaseModel):
    """A model's inputs and output, and which versions there are."""

    name: str
    versions: list[str] = Field(examples=[["1", "2"]])
    platform: str = PLATFORM
    inputs: list[TensorView]
    outputs: list[TensorView]

    @classmethod
    def of(cls, version: Version, numbers: list[int]) -> Self:
        """The view of a version among those of its model."""
        return cls(
            name=version.model,
            versions=[str(number) for number in sorted(numbers)],
            inputs=[TensorView.of(tensor) for tensor in inputs_of(version)],
            outputs=[TensorView.of(tensor) for tensor in outputs_of(version)],
        )


class IndexView(BaseModel):
    """A version that can be asked."""

    name: str
    version: str
    state: str = "READY"
    reason: str = ""


class StatisticsView(BaseModel):
    """What versions have been asked since this process began."""

    model_stats: list[dict[str, Any]]


class RequestInput(BaseModel):
    """An input: `data`, flat or in rows, or `parameters.binary_data_size` bytes after the JSON."""

    name: str = Field(examples=[INPUT])
    shape: list[int] = Field(examples=[[1, 100]])
    datatype: str = Field(examples=["FP32"])
    parameters: dict[str, Any] | None = None
    data: Annotated[Any, WithJsonSchema({"type": "array", "items": {}})] = None


class RequestOutput(BaseModel):
    """How the one output is wanted: `parameters` may say `binary_data` and `classification`."""

    name: str = Field(examples=[OUTPUT])
    parameters: dict[str, Any] | None = None


class InferenceRequest(BaseModel):
    """Rows to predict, as the protocol writes them."""

    model_config = ConfigDict(extra="allow")

    id: str | None = None
    parameters: dict[str, Any] | None = None
    inputs: list[RequestInput]
    outputs: list[RequestOutput] | None = None


class InferenceView(BaseModel):
    """The outputs, and whose they are."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[dict[str, Any]]


def config_of(version: Version, max_rows: int) -> dict[str, Any]:
    """The version's configuration, in the words of the model configuration extension."""

    def described(tensor: Tensor) -> dict[str, Any]:
        kind = "STRING" if tensor.datatype == "BYTES" else tensor.datatype
        return {"name": tensor.name, "data_type": f"TYPE_{kind}", "dims": _sizes(tensor)}

    return {
        "name": version.model,
        "platform": PLATFORM,
        "backend": "fitd",
        "version_policy": {"all": {}},
        "max_batch_size": max_rows,
        "input": [described(tensor) for tensor in inputs_of(version)],
        "output": [described(tensor) for tensor in outputs_of(version)],
    }


def _sizes(tensor: Tensor) -> list[int]:
    """The sizes behind the rows; a column is as wide as one value."""
    return tensor.sizes or [1]
