"""What a network gets right and wrong on data, and how much better it is than knowing nothing."""

from service.evaluation.calibration import Calibration
from service.evaluation.certainty import Certainty
from service.evaluation.conformal import Conformity
from service.evaluation.held_out import HeldOut
from service.evaluation.report import Measured, importance, is_worse_than_mean, measure, report
from service.evaluation.score import Baseline, held_out_score, score, score_of

__all__ = [
    "Baseline",
    "Calibration",
    "Certainty",
    "Conformity",
    "HeldOut",
    "Measured",
    "held_out_score",
    "importance",
    "is_worse_than_mean",
    "measure",
    "report",
    "score",
    "score_of",
]
