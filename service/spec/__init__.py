"""The schema of requests: a network, how to compile it and how to fit it, in Keras's terms."""

from service.spec.request import CompileSpec, FitSpec, FromSpec, ModelSpec, TrainingRequest

__all__ = ["CompileSpec", "FitSpec", "FromSpec", "ModelSpec", "TrainingRequest"]
