"""The JSON schema of data that stand in a request; `service.task` reads them without pydantic, for speed."""

from typing import Any

ROWS_SCHEMA = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
TARGETS_SCHEMA = {
    "description": "Numbers, rows of numbers (such as one-hot rows), class indices, or class names.",
    "anyOf": [
        {"type": "array", "items": {"type": "number"}},
        ROWS_SCHEMA,
        {"type": "array", "items": {"type": "string"}},
    ],
}
WEIGHTS_SCHEMA = {"type": "array", "items": {"type": "number", "minimum": 0}}
DATA_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Inputs and targets, row by row.",
    "properties": {
        "x": {**ROWS_SCHEMA, "description": "The inputs: rows of equal length."},
        "y": TARGETS_SCHEMA,
        "classes": {"type": "array", "items": {"type": "string"}, "description": "Class names in their order."},
        "sample_weight": {**WEIGHTS_SCHEMA, "description": "The weight of each row in the loss."},
        "target": {
            "description": 'How targets that are numbers are scaled: `{"transform": "standardize"}`, `log` or `none`.',
            "type": "object",
            "properties": {
                "transform": {"enum": ["standardize", "log", "none"], "description": "How the numbers are scaled."}
            },
            "additionalProperties": False,
        },
        "split": {"description": "Which rows to hold out, as of a stored dataset.", "type": "object"},
    },
    "required": ["x", "y"],
    "additionalProperties": False,
}
