"""What a training is about: the loss that is meant, how targets are encoded, and what the outputs mean."""

from service.task.asked_loss import AskedLoss
from service.task.output_meaning import OutputMeaning
from service.task.task import Task

__all__ = ["AskedLoss", "OutputMeaning", "Task"]
