"""How numbers are scaled, compared with scikit-learn and with the formula of RealMLP."""

import numpy as np
import pytest
from sklearn.preprocessing import QuantileTransformer

from service.data.features.columns import CategoryColumn, NumberColumn, from_json_dict, to_json_dict

RNG = np.random.default_rng(9)
INCOMES = np.exp(RNG.normal(10, 1, 3000))


def written(column: NumberColumn, values: np.ndarray) -> np.ndarray:
    out = np.empty((len(values), len(column.outputs)), np.float32)
    column.write(values, out)
    return out[:, 0]


def test_robust_is_the_distance_from_the_median_in_quartiles_clipped_smoothly() -> None:
    column = NumberColumn.fit("income", INCOMES, encoding="robust", missing="mean")
    x = (INCOMES - np.median(INCOMES)) / (np.quantile(INCOMES, 0.75) - np.quantile(INCOMES, 0.25))
    np.testing.assert_allclose(written(column, INCOMES), x / np.sqrt(1 + (x / 3) ** 2), rtol=1e-6)
    assert np.abs(written(column, np.array([1e30, -1e30]))).max() <= 3


def test_robust_falls_back_to_the_range_where_the_quartiles_are_equal() -> None:
    values = np.array([0.0] * 90 + [5.0] * 10)
    assert NumberColumn.fit("few", values, encoding="robust", missing="mean").deviation == 2.5


def test_quantile_is_what_scikit_learn_makes_of_the_same_quantiles() -> None:
    column = NumberColumn.fit("income", INCOMES, encoding="quantile", missing="mean")
    peer = QuantileTransformer(n_quantiles=100, output_distribution="normal", subsample=None)
    expected = peer.fit_transform(INCOMES.reshape(-1, 1))[:, 0]
    made = written(column, INCOMES)
    inner = (np.quantile(INCOMES, 0.02) < INCOMES) & (np.quantile(INCOMES, 0.98) > INCOMES)
    np.testing.assert_allclose(made[inner], expected[inner], atol=0.03)
    np.testing.assert_allclose(made.std(), 1, atol=0.1)
    at = np.quantile(INCOMES, np.linspace(0, 1, 100))
    np.testing.assert_allclose(written(column, at), peer.transform(at.reshape(-1, 1))[:, 0], atol=1e-5)


def test_values_that_are_often_equal_have_one_score() -> None:
    values = np.array([1.0] * 500 + [2.0] * 300 + [9.0] * 200)
    column = NumberColumn.fit("grade", values, encoding="quantile", missing="mean")
    scores = written(column, np.array([1.0, 2.0, 9.0, 100.0]))
    assert (np.diff(scores[:3]) > 0).all()
    assert scores[2] == scores[3]


@pytest.mark.parametrize("encoding", ["robust", "quantile", "standardize"])
def test_what_a_number_has_learnt_comes_back_from_json(encoding: str) -> None:
    column = NumberColumn.fit("income", INCOMES, encoding=encoding, missing="indicator")
    assert from_json_dict(to_json_dict(column)) == column
    assert ("quantiles" in to_json_dict(column)) == (encoding == "quantile")


def test_categories_of_few_rows_share_the_first_place() -> None:
    texts, codes = ["a", "b", "c"], np.array([0] * 5 + [1] * 3 + [2], np.int32)
    column = CategoryColumn.fit("kind", (texts, codes), encoding="one_hot", missing="indicator", most=100, least=3)
    assert column.categories == ["a", "b"]
    assert column.places(texts, np.array([2], np.int32)).tolist() == [0]
