"""Bags: as many networks as there are folds, each trained without one of them, that become one version."""

from service.bagging.members import Member, Members, mean, mean_history, mean_metrics
from service.bagging.training import Bagging, add_partial, out_of_fold

__all__ = ["Bagging", "Member", "Members", "add_partial", "mean", "mean_history", "mean_metrics", "out_of_fold"]
