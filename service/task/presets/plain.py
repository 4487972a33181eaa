"""`plain`: two hidden layers, Adam, and the weights of the best epoch."""

from typing import Any

from service.task.presets.profile import Profile

Json = dict[str, Any]
_PATIENCE, _MOST_EPOCHS = 20, 300


def plain(profile: Profile) -> Json:
    """Two relu layers of 128 and 64 units, with early stopping on rows that are held out."""
    last = {"activation": "softmax"} if profile.classifies else {}
    return {
        "spec": {
            "layers": [
                *([] if profile.columns else [normalization(profile)]),
                {"class_name": "Dense", "units": 128, "activation": "relu"},
                {"class_name": "Dense", "units": 64, "activation": "relu"},
                {"class_name": "Dense", "units": "auto", **last},
            ]
        },
        "compile": {
            "optimizer": {"class_name": "Adam", "learning_rate": 0.001},
            "loss": "categorical_crossentropy" if profile.classifies else "mean_squared_error",
            "metrics": ["accuracy"] if profile.classifies else ["mean_absolute_error"],
        },
        "fit": {
            "epochs": _MOST_EPOCHS,
            "batch_size": profile.batch_size,
            "callbacks": [stops_early(_PATIENCE)],
        },
    }


def normalization(profile: Profile) -> Json:
    """The layer that standardizes the columns of arrays, by what the training rows hold."""
    return {"class_name": "Normalization", "mean": list(profile.means), "variance": list(profile.variances)}


def stops_early(patience: int) -> Json:
    """The callback that keeps the weights of the epoch with the least validation loss."""
    return {
        "class_name": "EarlyStopping",
        "monitor": "val_loss",
        "patience": patience,
        "restore_best_weights": True,
    }
