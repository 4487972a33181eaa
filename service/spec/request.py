"""What a training request may say, apart from its data: the network, how to compile it, how to fit it."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from service.nn import Sequential
from service.nn.layers import Layer
from service.spec.certainty import CertaintySpec
from service.spec.data import DataSpec
from service.spec.inline_data import DATA_SCHEMA, WEIGHTS_SCHEMA
from service.spec.spelling import refusal
from service.spec.unwrapping import unwrapped
from service.spec.vocabulary import Named, made

MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

Preset = Literal["auto", "plain", "realmlp", "tabm"]
Word = Annotated[str, Field(pattern=MODEL_NAME)]
Count = Annotated[int, Field(ge=1)]
Priority = Annotated[int, Field(ge=-100, le=100)]


_OF_KERAS = ("auto_scale_loss", "jit_compile", "run_eagerly", "steps_per_execution")


class Part(BaseModel):
    """A part of a request: no unknown keys, no numbers written as text, nothing infinite."""

    # Built when first used: it takes 10 MB, and not every process reads requests.
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


def _named(kind: str, value: Any) -> Any:
    return value if isinstance(value, str) else made(kind, value)


def _listed(value: Any) -> Any:
    """One metric as a list of it, and Keras's list of one list as that."""
    if isinstance(value, str | Mapping):
        return [value]
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list) else value


MOST_PARTS = 1000
"""The most layers, metrics or callbacks that are looked at: what is wrong with each takes its time to say."""

Metrics = Annotated[
    Annotated[list[Annotated[Any, Named("metric")]], Field(max_length=MOST_PARTS)] | None, BeforeValidator(_listed)
]


class ModelSpec(Part):
    """The network: a stack of layers. Keras's `model.to_json()`, version 3 or 2, may stand here as it is."""

    layers: list[Annotated[Any, Named("layer")]] = Field(
        min_length=1,
        max_length=MOST_PARTS,
        description="The layers from the input to the output, at least one; the first takes the features of a row.",
    )
    name: str | None = Field(None, description="A name for the network in summaries and exported files.")

    def make_layers(self) -> list[Layer]:
        """New layers of `nn`, without weights."""
        return [made("layer", layer) for layer in self.layers]

    def build(
        self,
        columns: int,
        *,
        seed: int | None = None,
        layers: list[Layer] | None = None,
        tail: Sequence[Layer] = (),
    ) -> Sequential:
        """The network for rows of so many columns, with the initial weights of this seed (or of these layers).

        The layers of `tail` stand behind those of the spec.
        """
        model = Sequential(name=self.name)
        model.seed = seed
        for place, layer in enumerate(self.make_layers() if layers is None else layers):
            if place > 0:
                # It would change nothing and warn of that; the checks have told whoever asked.
                layer.input_shape = layer.batch_input_shape = None
                if layer.vocabulary is None:
                    layer.input_dim = None
            model.add(layer)
        for layer in tail:
            model.add(layer)
        model.build((None, columns))
        return model


class CompileSpec(Part):
    """The optimizer, what it makes small, and what else is measured. Keras's `get_compile_config()` may stand here."""

    optimizer: Annotated[Any, Named("optimizer")] = Field(
        "rmsprop", description="The optimizer, by name or with its arguments."
    )
    loss: Annotated[Any, Named("loss")] = Field(
        description="The loss that the training minimizes, by name or with its arguments."
    )
    metrics: Metrics = Field(None, description="Metrics to measure after every epoch, unweighted.")
    weighted_metrics: Metrics = Field(
        None, description="Metrics that weigh each row by its sample weight and class weight."
    )

    @model_validator(mode="before")
    @classmethod
    def leaves_out_what_changes_no_number(cls, value: Any) -> Any:
        """What `get_compile_config()` says of how Keras computes."""
        if not isinstance(value, Mapping):
            return value
        return {
            key: value[key] for key in value if key not in _OF_KERAS and (key, value[key]) != ("loss_weights", None)
        }

    def arguments(self) -> dict[str, Any]:
        """The arguments of `compile`: new objects of `nn`, and names as they were written."""
        return {
            "optimizer": _named("optimizer", self.optimizer),
            "loss": _named("loss", self.loss),
            "metrics": [_named("metric", metric) for metric in self.metrics or ()],
            "weighted_metrics": [_named("metric", metric) for metric in self.weighted_metrics or ()],
        }


class FitSpec(Part):
    """How to train: Keras's arguments of `fit`, and a seed."""

    epochs: Count = Field(1, description="The number of passes over the training rows, at least 1.")
    batch_size: Count | None = Field(None, description="Rows in a step; 32 if not given.")
    validation_split: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share of the rows, the last ones, that are held out for validation."
    )
    validation_data: Annotated[None, WithJsonSchema(DATA_SCHEMA)] = Field(
        None, description="Inputs and targets to measure after epochs, in place of a share of the training data."
    )
    validation_freq: Count = Field(1, description="Validation runs after every so many epochs, at least 1.")
    validation_batch_size: Count | None = Field(
        None, description="The number of rows in a batch of the validation, at least 1; `batch_size` if not given."
    )
    shuffle: bool | Literal["batch"] = Field(
        True, description="Whether each epoch visits the rows in a new random order; `batch` means true."
    )
    class_weight: dict[str, Annotated[float, Field(ge=0)]] | Literal["balanced"] | None = Field(
        None,
        description="Weight of each class in the loss, by index or name; 1 for a class that is left out. `balanced` "
        "gives each class the same weight in all.",
    )
    sample_weight: Annotated[None, WithJsonSchema(WEIGHTS_SCHEMA)] = Field(
        None, description="The weight of each row in the loss, at least 0; one number for each row."
    )
    callbacks: list[Annotated[Any, Named("callback")]] = Field(
        default_factory=list,
        max_length=MOST_PARTS,
        description="Callbacks of the training, such as EarlyStopping, each with its arguments.",
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = Field(
        None, description="The seed of the initial weights, of the order of rows, and of dropout; else one is drawn."
    )
    max_seconds: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Seconds after which the training is given up, all its attempts together."
    )
    verbose: Literal["auto", 0, 1, 2] | None = Field(None, description="Accepted and ignored.")

    def kept_rows(self, rows: int) -> int:
        """How many of so many rows are trained on: `validation_split` cuts off its share at the end."""
        return math.floor(rows * (1 - self.validation_split))


class VersionSpec(Part):
    """A version of a model, by its number or a label."""

    model: Word = Field(description="The name of a model.")
    version: Annotated[int, Field(ge=1, lt=10**9)] | None = Field(
        None, description="The version's number; the latest if neither this nor `label` is given."
    )
    label: Word | None = Field(None, description="The version that this label points at when the job is asked for.")

    @property
    def which(self) -> int | str | None:
        """The number, the label, or None for the latest."""
        return self.version if self.label is None else self.label

    @model_validator(mode="after")
    def names_one_version(self) -> Self:
        """A number and a label might not agree."""
        if self.version is not None and self.label is not None:
            raise refusal("conflict", "Expected a version or a label; received both.", "label")
        return self


class FromSpec(VersionSpec):
    """A version to go on from: its weights, and the state of the optimizer that they were trained with."""

    optimizer: bool | None = Field(
        None,
        description="Whether the optimizer goes on, too, with its step count, its moments and its place in a schedule "
        "of the learning rate. If not given, it does where `compile` is left out and the version has such a state, as "
        "in Keras.",
    )


class Continuation(Part):
    """The part of a request that may say what the training goes on from."""

    from_: FromSpec | None = Field(
        None,
        alias="from",
        description="A version to go on from; then `spec` and `compile` may be left out and are its.",
    )


def _or_inline(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [DATA_SCHEMA, *(choice for choice in schema["anyOf"] if choice.get("type") != "null")]


def _with_or_from(schema: dict[str, Any]) -> None:
    # Presets make what is left out. Not as a choice, of which generators make a type without fields.
    schema.pop("required")
    schema["if"], schema["then"] = {"not": {"required": ["from"]}}, {"required": ["data"]}


class TrainingRequest(Continuation, CertaintySpec):
    """A request to train a network on data."""

    model_config = ConfigDict(json_schema_extra=_with_or_from)

    model: Word | None = Field(
        None,
        description="The name under which the result is kept; if there is none, that of the version that it goes on "
        "from, or a name is made.",
    )
    preset: Preset | None = Field(
        None,
        description="A named recipe that makes what is left out of `spec`, `compile`, `fit` and `data`: `auto` chooses "
        "one, `plain` is two hidden layers, `realmlp` RealMLP-TD and `tabm` TabM-mini. It is `auto` where none of "
        "`preset`, `spec`, `compile` and `from` is given. The job and the version show the whole request that it "
        "stands for.",
    )
    spec: Annotated[ModelSpec, BeforeValidator(unwrapped)] = Field(
        description="The network to train; a preset makes it where it is left out."
    )
    compile: CompileSpec = Field(
        description="How to train it: optimizer, loss and metrics; a preset makes it where it is left out."
    )
    fit: FitSpec = Field(
        default_factory=FitSpec, description="How long and on which batches to train; every part has a default."
    )
    priority: Priority = Field(0, description="The highest is trained first, among equals the oldest.")
    data: DataSpec | None = Field(
        None, description="The data itself, or a stored dataset and how to use it.", json_schema_extra=_or_inline
    )

    @property
    def folds(self) -> int | None:
        """The number of folds, and so of members of a bag; None where one network is trained."""
        return None if self.data is None or self.data.split is None else self.data.split.folds

    def to_json_dict(self) -> dict[str, Any]:
        """What was asked, without data that came with it; `from_json_dict` makes an equal request of it."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)

    @classmethod
    def from_json_dict(cls, value: Mapping[str, Any]) -> Self:
        """The request that `to_json_dict` described."""
        keys = {field.alias or name for name, field in cls.model_fields.items()}
        return cls.model_validate({key: value[key] for key in value if key in keys})
