"""MLServer with the network of the floor, in one process: `python -m benchmarks.serving_mlserver PORT`.

It answers the Open Inference Protocol in JSON, and fails what is binary.
"""

import asyncio
import sys
from typing import Any

import numpy as np
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

from benchmarks.serving_floor import forward


class Digits(MLModel):  # type: ignore[misc]
    """One tensor in, one out."""

    async def predict(self, payload: Any) -> Any:
        """The outputs."""
        x = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("predictions", forward(x))])


if __name__ == "__main__":
    port = int(sys.argv[1])
    ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
    settings = Settings(host="127.0.0.1", debug=False, parallel_workers=0, **ports)
    model = ModelSettings(name="digits", implementation=Digits)
    asyncio.run(MLServer(settings).start([model]))
