"""LitServe with the network of the floor: `python -m benchmarks.serving_litserve PORT` answers `POST /predict`."""

import sys
from typing import Any

import numpy as np
from litserve import LitAPI, LitServer

from benchmarks.serving_floor import forward


class Digits(LitAPI):  # type: ignore[misc]
    """Rows as TensorFlow Serving writes them."""

    def setup(self, device: str) -> None:
        """Nothing is left to do."""

    def decode_request(self, request: dict[str, Any]) -> Any:
        """The rows."""
        return np.asarray(request["instances"], np.float32)

    def predict(self, x: Any) -> Any:
        """The outputs."""
        return forward(x)

    def encode_response(self, output: Any) -> dict[str, Any]:
        """The answer."""
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    # One process that listens, and one that predicts: there is no other way.
    options = {"num_api_servers": 1, "log_level": "warning", "generate_client_file": False}
    LitServer(Digits(), accelerator="cpu").run(host="127.0.0.1", port=int(sys.argv[1]), **options)
