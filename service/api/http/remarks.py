"""Remarks: what is allowed and probably not intended."""

from pydantic import BaseModel, Field


class Remark(BaseModel):
    """Something allowed and probably not intended, with the place in the request that it is about."""

    pointer: str = Field(
        examples=["#/compile/metrics/0"],
        description="The part of the request that the warning is about, as a JSON Pointer.",
    )
    code: str = Field(description="What it is, as a stable word for programs.")
    detail: str = Field(description="What it is, as a sentence for people.")
