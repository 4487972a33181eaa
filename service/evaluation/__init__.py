"""What a network gets right and wrong on data, and how much better it is than knowing nothing."""

from service.evaluation.report import Measured, importance, is_worse_than_mean, measure, report
from service.evaluation.score import Baseline, held_out_score, out_of_fold_score, score

__all__ = [
    "Baseline",
    "Measured",
    "held_out_score",
    "importance",
    "is_worse_than_mean",
    "measure",
    "out_of_fold_score",
    "report",
    "score",
]
