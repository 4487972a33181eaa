"""Remarks: what is allowed and probably not meant."""

from pydantic import BaseModel, Field


class Remark(BaseModel):
    """Something allowed and probably not meant, with the place in the request that it is about."""

    pointer: str = Field(examples=["#/compile/metrics/0"])
    code: str
    detail: str
