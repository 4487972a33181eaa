"""Views of the protocol: the JSON of its requests and responses."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.api import fields
from service.api.protocols.signatures import Tensor, inputs_of, outputs_of
from service.config import VERSION
from service.prediction.instances import INPUT, OUTPUT
from service.versions import Version

PLATFORM = "fitd_safetensors"
EXTENSIONS = ["binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics"]


class Refusal(BaseModel):
    """What was wrong, in one sentence."""

    error: str = Field(
        examples=["#/inputs/0/shape: Expected the shape [rows, 2] with at least one row."],
        description="What was wrong, as a sentence for people.",
    )


class ServerView(BaseModel):
    """This server, and which extensions of the protocol it knows."""

    name: str = Field("fitd", description="The name of the server.")
    version: str = Field(VERSION, description="The release of the server.")
    extensions: list[str] = Field(EXTENSIONS, description="The extensions of the protocol that the server supports.")


class LiveView(BaseModel):
    """Whether the process responds."""

    live: bool = Field(True, description="Whether the process responds.")


class ReadyView(BaseModel):
    """Whether inferences are answered now."""

    ready: bool = Field(True, description="Whether inferences can be made now.")
    error: str | None = Field(None, description="What stands in the way; null if nothing does.")


class ModelReadyView(BaseModel):
    """Whether this model answers inferences now."""

    name: fields.ModelName
    ready: bool = Field(True, description="Whether the model can be used for inferences now.")


class TensorView(BaseModel):
    """An input or output; a size of -1 is for any number of rows."""

    name: str = Field(description="The name of the tensor.")
    datatype: str = Field("FP32", description="The type of its values in the words of the protocol, such as `FP32`.")
    shape: list[int] = Field(
        examples=[[-1, 100]], description="The size of each axis; -1 stands for any number of rows."
    )

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """The view of a tensor."""
        return cls(name=tensor.name, datatype=tensor.datatype, shape=[-1, *_sizes(tensor)])


class ModelMetadataView(BaseModel):
    """A model's inputs and output, and which versions there are."""

    name: fields.ModelName
    versions: list[str] = Field(
        examples=[["1", "2"]], description="The numbers of its versions as texts, in ascending order."
    )
    platform: str = Field(PLATFORM, description="The format of the weights.")
    inputs: list[TensorView] = Field(description="The inputs: one tensor, or one for each column of a table.")
    outputs: list[TensorView] = Field(description="The outputs of the model.")

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

    name: fields.ModelName
    version: str = Field(description="The number of the version, as a text.")
    state: str = Field("READY", description="Whether the version is ready; all stored versions are.")
    reason: str = Field("", description="Why the version is not ready; empty if it is.")


class StatisticsView(BaseModel):
    """Numbers of inferences by version since this process started."""

    model_stats: list[dict[str, Any]] = Field(
        description="Numbers and durations (in nanoseconds) of the inferences of each version."
    )


class RequestInput(BaseModel):
    """An input: `data`, flat or in rows, or `parameters.binary_data_size` bytes after the JSON."""

    name: str = Field(examples=[INPUT], description="The name of the input; the metadata of the model list them.")
    shape: list[int] = Field(examples=[[1, 100]], description="The size of each axis; the first is the number of rows.")
    datatype: str = Field(
        examples=["FP32"],
        description="The type of the values in the words of the protocol, such as `FP32`, `INT64` or `BYTES`.",
    )
    parameters: fields.Parameters = None
    data: Annotated[Any, WithJsonSchema({"type": "array", "items": {}})] = Field(
        None,
        description="The values, flat in row-major order or nested by rows; left out if they follow the JSON as bytes.",
    )


class RequestOutput(BaseModel):
    """How the one output is wanted: `parameters` may say `binary_data` and `classification`."""

    name: str = Field(examples=[OUTPUT], description="The name of the output.")
    parameters: fields.Parameters = None


class InferenceRequest(BaseModel):
    """Rows to predict, as the protocol writes them."""

    model_config = ConfigDict(extra="allow")

    id: str | None = Field(None, description="An id of your own that the response repeats.")
    parameters: fields.Parameters = None
    inputs: list[RequestInput] = Field(description="The inputs: one tensor, or one for each column of a table.")
    outputs: list[RequestOutput] | None = Field(None, description="The outputs to return; all of them if left out.")


class InferenceView(BaseModel):
    """The outputs, and whose they are."""

    model_name: fields.ModelName
    model_version: str = Field(description="The number of the version that predicted, as a text.")
    id: str | None = Field(None, description="The id of the request; null if it had none.")
    outputs: list[dict[str, Any]] = Field(description="The outputs, each with `name`, `datatype`, `shape` and `data`.")


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
