"""Train a network on handwritten digits through a running Fitd, and see how well it reads digits it never saw.

Start the service with `make run`, then: .venv/bin/python examples/digits.py [http://127.0.0.1:8000]
"""

import csv
import gzip
import random
import sys
import time
from pathlib import Path
from typing import Any

import httpx

DIGITS = Path(__file__).parent / "data" / "digits.csv.gz"
SHADES = " .:-=+*#%"


def read_digits() -> list[tuple[list[float], int]]:
    """Images of 64 grey values between 0 and 1 with their digits, in a random order that is always the same."""
    with gzip.open(DIGITS, "rt", newline="") as file:
        rows = [[int(cell) for cell in row] for row in csv.reader(file)]
    random.Random(0).shuffle(rows)  # noqa: S311 (a split, not a secret)
    return [([grey / 16 for grey in row[:-1]], row[-1]) for row in rows]


def training_job(rows: list[tuple[list[float], int]]) -> dict[str, Any]:
    """A request in Keras's words: two dense layers that tell ten classes apart."""
    return {
        "model": "digits",
        "spec": {
            "layers": [
                {"class_name": "Dense", "units": 64, "activation": "relu", "input_dim": 64},
                {"class_name": "Dropout", "rate": 0.2},
                {"class_name": "Dense", "units": 10, "activation": "softmax"},
            ]
        },
        "compile": {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "fit": {
            "epochs": 100,
            "batch_size": 32,
            "validation_split": 0.1,
            "seed": 7,
            "callbacks": [{"class_name": "EarlyStopping", "patience": 10, "restore_best_weights": True}],
        },
        "data": {"x": [image for image, _ in rows], "y": [digit for _, digit in rows]},
    }


def wait_for(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it is finished; until then a line says how far it is."""
    while job["status"] in {"queued", "running"}:
        time.sleep(0.1)
        job = client.get(f"/v1/training-jobs/{job['id']}").raise_for_status().json()
        progress, metrics = job["progress"], job["metrics"] or {}
        line = f"epoch {progress['epoch']} of {progress['epochs']}"
        line += "".join(f", {name} {value:.3f}" for name, value in metrics.items() if value is not None)
        print(f"\r{job['status']}: {line}".ljust(110), end="", flush=True)
    print()
    return job


def picture(image: list[float]) -> str:
    """An image in eight lines of characters."""
    characters = [SHADES[int(grey * (len(SHADES) - 1))] for grey in image]
    return "\n".join("".join(characters[at : at + 8]) for at in range(0, 64, 8))


def main(url: str = "http://127.0.0.1:8000") -> None:
    """Trains, evaluates on the held-out fifth and predicts one digit."""
    rows = read_digits()
    at = len(rows) // 5
    held_out, training = rows[:at], rows[at:]
    with httpx.Client(base_url=url, timeout=60) as client:
        submitted = client.post("/v1/training-jobs", json=training_job(training)).raise_for_status()
        job = wait_for(client, submitted.json())
        if job["status"] != "succeeded":
            sys.exit(f"The job {job['status']}: {job['error']}")
        data = {"x": [image for image, _ in held_out], "y": [digit for _, digit in held_out]}
        version = f"/v1/models/digits/versions/{job['version']}"
        metrics = client.post(f"{version}:evaluate", json={"data": data}).raise_for_status().json()["metrics"]
        print(f"digits version {job['version']}: {metrics['accuracy']:.1%} of {len(held_out)} unseen digits are right")
        image, digit = held_out[0]
        answer = client.post(f"{version}:predict", json={"instances": [image]}).raise_for_status().json()
        probabilities = answer["predictions"][0]
        best = max(range(10), key=probabilities.__getitem__)
        print(f"{picture(image)}\nread as {best} with probability {probabilities[best]:.3f}; it is a {digit}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except httpx.TransportError as error:
        sys.exit(f"Expected a Fitd that answers, such as http://127.0.0.1:8000 (make run): {error}")
