"""What may be asked: a network, how to compile it, how to fit it, in Keras's words."""

from service.spec.request import CompileSpec, FitSpec, FromSpec, ModelSpec, TrainingRequest

__all__ = ["CompileSpec", "FitSpec", "FromSpec", "ModelSpec", "TrainingRequest"]
