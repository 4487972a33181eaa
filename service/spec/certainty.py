"""What a training request may say about how sure the outputs are."""

from typing import Annotated

from pydantic import Field

Calibrate = Annotated[
    bool | None,
    Field(
        description="Whether probabilities are calibrated by a temperature, which is learnt from the validation part "
        "and kept only if it makes the log loss of rows smaller that it was not learnt from. A preset for classes "
        "does it unless this is false; else it is done if this is true."
    ),
]
