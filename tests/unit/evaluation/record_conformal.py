# mypy: disable-error-code="misc,import-not-found,import-untyped,no-any-return"
"""Records the intervals and sets of MAPIE 1.6 and crepes 0.9 for the cases of `test_conformal.py`.

Run in an environment that has them: `python tests/unit/evaluation/record_conformal.py`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

PLACE = Path(__file__).with_name("conformal.json")
LEVELS = (0.5, 0.8, 0.9, 0.95)


def cases(rows: int) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Held-out targets and predictions, new predictions, held-out classes and probabilities, new probabilities."""
    rng = np.random.default_rng(rows)
    y = rng.normal(50, 20, rows).round(3)
    guess, new = (y + rng.normal(0, 5, rows)).round(3), rng.normal(50, 20, 5).round(3)
    p, new_p = (rng.dirichlet([1.0, 1.0, 0.5], size).round(4) for size in (rows, 8))
    return y, guess, new, rng.integers(0, 3, rows), p / p.sum(1, keepdims=True), new_p / new_p.sum(1, keepdims=True)


def record() -> list[dict[str, Any]]:
    """What the two libraries return for each number of rows and each level."""
    from crepes import ConformalRegressor
    from mapie.classification import SplitConformalClassifier
    from mapie.regression import SplitConformalRegressor
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class Given(RegressorMixin, BaseEstimator):
        def fit(self, x: Any, y: Any) -> Any:
            self.fitted_ = True
            return self

        def predict(self, x: Any) -> Any:
            return x[:, 0]

    class GivenClasses(ClassifierMixin, BaseEstimator):
        def fit(self, x: Any, y: Any) -> Any:
            self.classes_ = np.arange(3)
            return self

        def predict_proba(self, x: Any) -> Any:
            return x

        def predict(self, x: Any) -> Any:
            return x.argmax(1)

    made = []
    for rows in (25, 60, 333):
        y, guess, new, truth, p, new_p = cases(rows)
        for level in LEVELS:
            numbers = SplitConformalRegressor(Given().fit(guess[:, None], y), confidence_level=level, prefit=True)
            numbers.conformalize(guess[:, None], y)
            intervals = numbers.predict_interval(new[:, None])[1][:, :, 0]
            other = ConformalRegressor().fit(residuals=y - guess).predict_int(new, confidence=level)
            classes = SplitConformalClassifier(GivenClasses().fit(p, truth), confidence_level=level, prefit=True)
            sets = classes.conformalize(p, truth).predict_set(new_p)[1][:, :, 0]
            made.append({"rows": rows, "level": level, "mapie": intervals.tolist(), "crepes": other.tolist(),
                         "sets": sets.tolist()})  # fmt: skip
    return made


if __name__ == "__main__":
    PLACE.write_text(json.dumps(record(), indent=1) + "\n")
