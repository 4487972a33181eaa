"""Why a test of Keras's fails on `service.nn`: a difference that is named, or what is not offered at all."""

import re

DIFFERENCES = {
    r"embedding_test.*embedding_basics|flatten_test.*scalar_channels": "rows have at least one number: no Input(shape=())",
    r"model_checkpoint_test.*options": "ModelCheckpoint hands the model to a function, and writes no file",
    r"softmax_test.*with_mask": "softmax goes along one axis, and without a mask",
    r"optimizer_test.*auto_naming": "names are not counted over all optimizers of a process",
    r"sequential_test.*(hasattr|functional_properties)": "a model has no symbolic inputs and outputs",
    r"constant_initializers_test.*array_value|random_initializers_test.*with_tensor": "an array is no initializer",
    r"trainer_test.*test_metric_tracking|trainer_test.*nested_trainer_metrics$": "model.metrics are those of compile",
    r"f_score.*(integer|not_float)": "a whole number is taken for a float: JSON has one kind of number",
    r"optimizer_test.*ema_with_model_fit": "targets are not spread over units: they are refused",
}
"""Each difference from Keras that a test shows, with its reason."""

INSIDES = {
    r"reduce_lr_on_plateau_test.*with_model_fit": "learning rates are float64",
    r"random_initializers_test.*(random_normal|seed_generator)": "seed generators",
    r"normalization_test.*broadcast": "the shape in which mean and variance are kept",
    r"activity_regularization_test.*correctness": "losses of layers",
    r"dropout_test.*cast_to_a_tuple": "the type of noise_shape",
    r"losses_test.*(CosineSimilarity|HuberLoss|LogCosh).*test_config": "the configuration says more than Keras's",
    r"confusion_metrics_test.*(test_config|manual_thresholds|reset_state)": "attributes of metrics: variables, enumerations",
    r"sgd_test.*single_step": "variables of optimizers",
    r"ValidateFloatArg": "a function that Keras does not export",
    r"generator_with_y_error": "generators as data",
    r"rng_utils_test.*global_seed_generator": "seed generators",
    r"regularizers_test.*(rank|mode)_validation": "the exact text of an error",
}
"""Tests that look at what Keras does not document."""

ABSENT = [
    (r"steps_per_execution", None, "steps_per_execution"),
    (r"quant|lora|int4|int8|float8|gptq|awq", None, "quantization, LoRA"),
    (
        None,
        r"functional API|subclassed Model|\+: 'InputLayer'|'InputLayer' object has no attribute '(call|output)'|input_tensor|'InputLayer' and 'float'",
        "functional API and subclassed models",
    ),
    (None, r"KerasTensor|symbolic|compute_output_spec", "symbolic tensors"),
    (None, r"mask", "masking"),
    (r"mask", None, "masking"),
    (None, r"distribution|DeviceMesh|DataParallel", "distribution"),
    (None, r"bfloat16|mixed_float16|Autocast|float16", "mixed precision and other dtypes"),
    (r"dtype", None, "mixed precision and other dtypes"),
    (
        None,
        r"received 'object'|PyDataset|tensorflow|torch|grain|generator|pandas|EpochIterator|ArrayDataAdapter|jax\.|scipy_sparse|data_adapters|epoch_iterator|inhomogeneous",
        "generators and datasets as data",
    ),
    (None, r"losses\.(CTC|Dice|Tversky|Circle)", "losses for images and sequences"),
    (None, r"PRGAIN", "AUC's precision-recall-gain curve"),
    (
        None,
        r"renorm|synchronized|rms_scaling|input_axes|STFT|MultiHeadAttention|image data format",
        "arguments and things left out (renorm, synchronized, rms_scaling, fans, STFT, attention)",
    ),
    (
        None,
        r"Backup|SwapEMA|LossScale|MonitorCallback|MeanMetricWrapper|CompileMetrics|CompileLoss|Conv2D|TimeDistributed|Lambda\b|Masking",
        "classes that are left out",
    ),
    (
        r"layer_test\.py|metrics/metric_test|losses/loss_test|constraints_test.*(default|config)",
        None,
        "custom layers, losses, metrics, constraints",
    ),
    (
        None,
        r"NotImplementedError|DictLayer|BadLayer|can only have a single|my_custom_metric|ExampleLoss|object\.__init__",
        "custom layers, losses, metrics, constraints",
    ),
    (
        r"custom_test_step|custom_train_step|jax_model_weights|internal_only_loss|retracing|symbolic",
        None,
        "custom train steps",
    ),
    (r"loss_weights|nested|dict_inputs|list_inputs", None, "several inputs or outputs"),
    (
        None,
        r"None gradients|overwrite_with_gradient|scale_loss|_iterations|load_own_variables|_moving_average|_accumulated|set_weights'|update_step|zeropower|_apply_weight|lr_adjust|_should_use|_u_product|max_epochs|compute_mask|'_build'|'call'",
        "insides of Keras (private methods, optimizer.variables)",
    ),
    (r"overwrite_with_gradient|adapt_|unknown_axis", None, "generators and datasets as data"),
    (r"verbose_logging", None, "printing"),
    (
        r"binary_segmentation_different_axis|multi_class_segmentation_different_axis",
        None,
        "class axis other than the last (Keras itself only in part)",
    ),
    (r"dynamic", None, "dimensions of unknown size"),
    (r"varying_input_size", None, "generators and datasets as data"),
]
"""What is not offered: by the name of the test, or by what it stumbles on."""


def reason_of(test: str, message: str) -> tuple[str, str]:
    """`difference`, `insides`, `absent` or `unknown`, and the reason."""
    for kind, patterns in (("difference", DIFFERENCES), ("insides", INSIDES)):
        for pattern, reason in patterns.items():
            if re.search(pattern, test):
                return kind, reason
    for where, what, reason in ABSENT:
        if (where and re.search(where, test)) or (what and re.search(what, message)):
            return "absent", reason
    return ("absent", message[-60:]) if "Absent" in message else ("unknown", message)
