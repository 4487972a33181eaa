"""What numbers mean at the end of a network: the targets that a loss takes, and the outputs of an activation."""

import math
from enum import Enum

Interval = tuple[float, float]
"""The least and the most value; infinite where there is no bound."""

ANY_NUMBER: Interval = (-math.inf, math.inf)


class Targets(Enum):
    """What the targets of a loss mean."""

    ONE_HOT = "rows with a share for each class, such as one-hot rows"
    CLASS_INDICES = "the index of a class for each row"
    BINARY = "0 or 1 for each output"
    NUMBERS = "a number for each output"

    @property
    def is_one_class(self) -> bool:
        """Whether each row has one class out of several, with an output for each class."""
        return self in (Targets.ONE_HOT, Targets.CLASS_INDICES)


class Outputs(Enum):
    """What the outputs of an activation mean."""

    NUMBERS = "numbers"
    PROBABILITIES = "a probability in each output"
    DISTRIBUTION = "probabilities that sum to one over the outputs of a row"
    LOG_PROBABILITIES = "the logarithm of a probability in each output"
    LOG_DISTRIBUTION = "logarithms of probabilities that sum to one over the outputs of a row"

    @property
    def range(self) -> Interval:
        """The least and the most that an output of this meaning may be."""
        return (0, 1) if self.are_probabilities else (-math.inf, 0) if self.are_logarithms else ANY_NUMBER

    @property
    def are_probabilities(self) -> bool:
        """Whether each output is a probability."""
        return self in (Outputs.PROBABILITIES, Outputs.DISTRIBUTION)

    @property
    def are_logarithms(self) -> bool:
        """Whether each output is the logarithm of a probability."""
        return self in (Outputs.LOG_PROBABILITIES, Outputs.LOG_DISTRIBUTION)

    @property
    def sum_to_one(self) -> bool:
        """Whether the outputs of a row sum to one, so that a single output is always 1 and carries no information."""
        return self in (Outputs.DISTRIBUTION, Outputs.LOG_DISTRIBUTION)
