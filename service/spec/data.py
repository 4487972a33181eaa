"""What a training request may say about its data: which dataset, what to learn from it, and what to hold out."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from service.spec.spelling import refusal

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[list[str], Field(fail_fast=True)]
"""Names, of which there may be many: to tell what is wrong with each would take its time and memory."""

Kind = Literal["number", "category", "boolean", "date"]
Missing = Literal["mean", "most_frequent", "indicator", "reject"]
Transform = Literal["standardize", "log", "none"]
Encoding = Literal["standardize", "robust", "quantile", "none", "boolean", "one_hot", "integer", "calendar", "days"]

MOST_CATEGORIES = 100
MOST_FOLDS = 20


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


def check_name(name: str | None) -> str | None:
    """The name of a dataset, which may not be taken for an id."""
    if name is not None and name.startswith("ds_"):
        raise refusal("bad_name", "Expected a name that does not begin with ds_, as ids do.")
    return name


class FeatureSpec(_Part):
    """A column to learn from; what is left out follows from what the column holds."""

    name: ColumnName = Field(description="The name of a column of the dataset.")
    type: Kind | None = Field(None, description="What to take the column for; as it is stored if not given.")
    encoding: Encoding | None = Field(
        None,
        description="Numbers: `standardize` (mean 0, deviation 1), `robust` (median 0, distance of the quartiles 1, "
        "and clipped smoothly at 3), `quantile` (ranks as a normal distribution) or `none`. Categories: `one_hot` (the "
        "first place is for values not seen in training) or `integer` (for Embedding). Dates: `calendar` (the time and "
        "where in the year, week and day it is) or `days`. The first of each is the default. Booleans: `boolean` (0 or "
        "1).",
    )
    missing: Missing | None = Field(
        None,
        description="For a value that is not there: the `mean`, the `most_frequent`, a place of its own that says so "
        "(`indicator`), or a refusal. Default: `mean`, for categories `indicator`.",
    )
    min_frequency: int = Field(
        1, ge=1, description="Categories with fewer training rows share the first place with those not seen."
    )
    max_categories: int = Field(
        MOST_CATEGORIES, ge=1, le=10_000, description="So many of the most frequent have a place of their own."
    )


def _without_default(schema: dict[str, Any]) -> None:
    """The empty name stands for none, and is itself no name of a column."""
    del schema["default"]


class TargetSpec(_Part):
    """A column to predict, what to do with rows where it is not known, and how its numbers are scaled to be learnt."""

    name: ColumnName = Field(
        "",
        description="The column of a table; the target of arrays has no name.",
        json_schema_extra=_without_default,
    )
    missing: Literal["reject", "drop"] = Field("reject", description="What becomes of rows without a target.")
    transform: Transform | None = Field(
        None,
        description="How numbers are scaled for the training: `standardize` (mean 0, deviation 1 over the training "
        "rows), `log` (the natural logarithm, standardized) or `none`. Predictions, metrics and reports are in the "
        "data's own units; losses are in scaled ones. Default: `standardize` for the numbers of a table where the "
        "network ends without a limit of its own and the loss grows with the size of the targets, else `none`.",
    )


class SplitSpec(_Part):
    """Which rows are held out: for validation after each epoch, and for a test at the end."""

    validation: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="The share of the rows that is held out to measure every epoch, 0 to below 1."
    )
    test: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="The share of the rows that is held out to measure the finished version, 0 to below 1."
    )
    folds: Annotated[int, Field(ge=2, le=MOST_FOLDS)] | None = Field(
        None,
        description="The number of folds that the training rows are dealt into. As many networks are trained, each "
        "without one fold, which it validates with; the version is a bag, which predicts the mean of its members.",
    )
    method: Literal["random", "stratified", "last", "group"] = Field(
        "random",
        description="`stratified` keeps the shares of the classes, `last` takes the last rows, `group` keeps rows "
        "together that agree in `column`.",
    )
    column: ColumnName | None = Field(None, description="With `group` the column that tells the groups.")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(0, description="The seed of the random choice of rows, from 0.")

    @model_validator(mode="after")
    def uses_what_it_names(self) -> Self:
        """A column that tells no groups would be taken for a promise to keep its rows together."""
        if self.column is not None and self.method != "group":
            raise refusal("conflict", f"A column goes with the method 'group'; received {self.method!r}.", "column")
        return self

    @model_validator(mode="after")
    def validates_with_one_kind_of_part(self) -> Self:
        """Each member of a bag validates with its own fold, and folds are dealt out of all training rows."""
        if self.folds is not None and self.validation:
            raise refusal("conflict", "Expected folds or a validation part; received both.", "validation")
        if self.folds is not None and self.method == "last":
            said = "Expected the method 'random', 'stratified' or 'group' beside folds; received 'last'."
            raise refusal("conflict", said, "method")
        return self


def _as_object(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]


Feature = Annotated[FeatureSpec, BeforeValidator(_as_object, json_schema_input_type=ColumnName | FeatureSpec)]
Target = Annotated[TargetSpec, BeforeValidator(_as_object, json_schema_input_type=ColumnName | TargetSpec)]
Targets = Annotated[list[Target] | None, BeforeValidator(_as_list, json_schema_input_type=Target | list[Target] | None)]


class DataSpec(_Part):
    """A stored dataset and how to use it; of a table every column but the target is learnt from by default."""

    dataset: str | None = Field(None, description="The id of an uploaded dataset, or its name if no other has it.")
    target: Targets = Field(None, description="The column to predict, or several.", min_length=1)
    features: list[Feature] | None = Field(
        None, description="Columns to learn from, by name or with more to say.", min_length=1
    )
    preprocessing: Literal["auto", "none"] = Field(
        "auto", description="`none` hands numbers over as they are, and knows nothing else."
    )
    sample_weight: ColumnName | None = Field(None, description="The column with the weight of each row in the loss.")
    classes: Names | None = Field(None, description="Class names in their order.")
    split: SplitSpec | None = Field(None, description="Which rows to hold out; left out, those that `fit` asks for.")
