"""Keras's layers as specs. Made by client/generate.py from the signatures of the service."""

from typing import Any

from fitd.keras.specs import Spec


class Layer(Spec):
    """The parent of all layers."""


class Activation(Layer):
    """y = activation(x)."""

    def __init__(
        self,
        activation: Any,
        activity_regularizer: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            activation=activation,
            activity_regularizer=activity_regularizer,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class ActivityRegularization(Layer):
    """y = x, with a penalty l1 * sum |x| + l2 * sum x^2 on it."""

    def __init__(
        self,
        l1: Any = 0.0,
        l2: Any = 0.0,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            l1=l1,
            l2=l2,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class AlphaDropout(Layer):
    """Dropout that keeps mean and variance of selu's output (Klambauer et al. 2017)."""

    def __init__(
        self,
        rate: Any,
        noise_shape: Any = None,
        seed: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            rate=rate,
            noise_shape=noise_shape,
            seed=seed,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class BatchNormalization(Layer):
    """x^ = (x - mean) / sqrt(variance + epsilon) over the batch; in inference with moving means (Ioffe & Szegedy 2015)."""

    def __init__(
        self,
        axis: Any = -1,
        momentum: Any = 0.99,
        epsilon: Any = 0.001,
        center: Any = True,
        scale: Any = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            axis=axis,
            momentum=momentum,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer,
            moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Clamp(Layer):
    """y = x in training, and in inference the nearest number within [minimum, maximum] (Holzmueller et al. 2024)."""

    def __init__(
        self,
        minimum: Any = None,
        maximum: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            minimum=minimum,
            maximum=maximum,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class ColumnTransformer(Layer):
    """Gives each group of columns to layers of its own and puts their outputs side by side, as scikit-learn's does."""

    def __init__(
        self,
        transformers: Any,
        remainder: Any = "passthrough",
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            transformers=transformers,
            remainder=remainder,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Dense(Layer):
    """y = activation(x @ kernel + bias); kernel (features, units), bias (units,), y (rows, units)."""

    def __init__(
        self,
        units: Any,
        activation: Any = None,
        use_bias: Any = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        parametrization: Any = "standard",
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            units=units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            parametrization=parametrization,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Dropout(Layer):
    """y = x / (1 - rate) with probability 1 - rate, else 0 (Srivastava et al. 2014)."""

    def __init__(
        self,
        rate: Any,
        noise_shape: Any = None,
        seed: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
        rate_schedule: Any = None,
    ) -> None:
        super().__init__(
            rate=rate,
            noise_shape=noise_shape,
            seed=seed,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
            rate_schedule=rate_schedule,
        )


class ELU(Layer):
    """y = x for x > 0, alpha (e^x - 1) below."""

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            alpha=alpha,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Embedding(Layer):
    """y = embeddings[x]: whole numbers (rows, ...) become vectors (rows, ..., output_dim)."""

    def __init__(
        self,
        input_dim: Any,
        output_dim: Any,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: Any = False,
        weights: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            input_dim=input_dim,
            output_dim=output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            weights=weights,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            batch_input_shape=batch_input_shape,
        )


class EnsembleAverage(Layer):
    """y = the mean over groups of what their layers make of their columns: bagging (Breiman 1996) in one network."""

    def __init__(
        self,
        transformers: Any,
        remainder: Any = "drop",
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            transformers=transformers,
            remainder=remainder,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class EnsembleDense(Layer):
    """y = the mean over members m of activation(x[:, m] @ kernel[m] + bias[m]), for x (rows, members, features)."""

    def __init__(
        self,
        units: Any,
        activation: Any = None,
        use_bias: Any = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            units=units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class EnsembleScale(Layer):
    """y[row, member] = x[row] scale[member]: (rows, features) becomes (rows, members, features)."""

    def __init__(
        self,
        members: Any = 32,
        scale_initializer: Any = "random_signs",
        chunks: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            members=members,
            scale_initializer=scale_initializer,
            chunks=chunks,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Flatten(Layer):
    """The places of a row one after another."""

    def __init__(
        self,
        data_format: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            data_format=data_format,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class GaussianDropout(Layer):
    """y = x n with n normal, mean 1, variance rate / (1 - rate)."""

    def __init__(
        self,
        rate: Any,
        seed: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            rate=rate,
            seed=seed,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class GaussianNoise(Layer):
    """y = x + n with n normal, mean 0 and deviation `stddev`."""

    def __init__(
        self,
        stddev: Any,
        seed: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            stddev=stddev,
            seed=seed,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class GroupNormalization(Layer):
    """Layer normalization within each of `groups` equal parts of `axis` (Wu & He 2018); -1 is a group for each unit."""

    def __init__(
        self,
        groups: Any = 32,
        axis: Any = -1,
        epsilon: Any = 0.001,
        center: Any = True,
        scale: Any = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            groups=groups,
            axis=axis,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Identity(Layer):
    """y = x."""

    def __init__(
        self,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class InputLayer(Layer):
    """Passes its input on unchanged; `shape` is that of one row."""

    def __init__(
        self,
        shape: Any = None,
        batch_size: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
        sparse: Any = None,
        ragged: Any = None,
        batch_shape: Any = None,
        optional: Any = False,
    ) -> None:
        super().__init__(
            shape=shape,
            batch_size=batch_size,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
            sparse=sparse,
            ragged=ragged,
            batch_shape=batch_shape,
            optional=optional,
        )


class LayerNormalization(Layer):
    """x^ = (x - mean) / sqrt(variance + epsilon) over the units of each row (Ba et al. 2016)."""

    def __init__(
        self,
        axis: Any = -1,
        epsilon: Any = 0.001,
        center: Any = True,
        scale: Any = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            axis=axis,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class LeakyReLU(Layer):
    """y = x for x >= 0, negative_slope * x below."""

    def __init__(
        self,
        negative_slope: Any = 0.3,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            negative_slope=negative_slope,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Normalization(Layer):
    """y = (x - mean) / max(sqrt(variance), 1e-7) for each place of `axis`; `adapt` takes them from data."""

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: Any = False,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            axis=axis,
            mean=mean,
            variance=variance,
            invert=invert,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class PReLU(Layer):
    """y = x for x >= 0, alpha * x below, where alpha is learned for each unit (He et al. 2015)."""

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
            shared_axes=shared_axes,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class ParametricActivation(Layer):
    """y = x + alpha (activation(x) - x), with an alpha learned for each unit (Holzmueller et al. 2024)."""

    def __init__(
        self,
        activation: Any,
        alpha_initializer: Any = "ones",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            activation=activation,
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class PeriodicEmbedding(Layer):
    """y = cos(2 pi x frequencies + phases) @ amplitudes + offsets, all of them learned for each feature."""

    def __init__(
        self,
        output_dim: Any = 3,
        num_frequencies: Any = 16,
        frequency_stddev: Any = 0.1,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            output_dim=output_dim,
            num_frequencies=num_frequencies,
            frequency_stddev=frequency_stddev,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Permute(Layer):
    """The axes of a row in another order; `dims` counts them from 1."""

    def __init__(
        self,
        dims: Any,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            dims=dims,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class PiecewiseLinearEmbedding(Layer):
    """y = x slopes + offsets + e @ kernel, where e says how far x has come through each bin, from 0 to 1."""

    def __init__(
        self,
        output_dim: Any = 16,
        num_bins: Any = 48,
        bin_boundaries: Any = None,
        kernel_initializer: Any = "zeros",
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            output_dim=output_dim,
            num_bins=num_bins,
            bin_boundaries=bin_boundaries,
            kernel_initializer=kernel_initializer,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class RMSNormalization(Layer):
    """y = scale x / sqrt(mean(x^2) + epsilon) over the units of each row (Zhang & Sennrich 2019)."""

    def __init__(
        self,
        axis: Any = -1,
        epsilon: Any = 1e-06,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            axis=axis,
            epsilon=epsilon,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class ReLU(Layer):
    """y = x above `threshold` (at most `max_value`), negative_slope * (x - threshold) below."""

    def __init__(
        self,
        max_value: Any = None,
        negative_slope: Any = 0.0,
        threshold: Any = 0.0,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            max_value=max_value,
            negative_slope=negative_slope,
            threshold=threshold,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class RepeatVector(Layer):
    """Each row `n` times: (rows, units) becomes (rows, n, units)."""

    def __init__(
        self,
        n: Any,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            n=n,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Rescaling(Layer):
    """y = x scale + offset."""

    def __init__(
        self,
        scale: Any,
        offset: Any = 0.0,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            scale=scale,
            offset=offset,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Reshape(Layer):
    """The places of a row in another shape; one size may be -1."""

    def __init__(
        self,
        target_shape: Any,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            target_shape=target_shape,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Scale(Layer):
    """y = x scale, with a learned factor for each unit: a soft selection of features (Holzmueller et al. 2024)."""

    def __init__(
        self,
        scale_initializer: Any = "ones",
        scale_regularizer: Any = None,
        scale_constraint: Any = None,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            scale_initializer=scale_initializer,
            scale_regularizer=scale_regularizer,
            scale_constraint=scale_constraint,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class SmoothClip(Layer):
    """y = x / sqrt(1 + (x / max_value)^2), which stays between -max_value and max_value (Holzmueller et al. 2024)."""

    def __init__(
        self,
        max_value: Any = 3.0,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            max_value=max_value,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Softmax(Layer):
    """y = e^x / sum e^x along `axis`."""

    def __init__(
        self,
        axis: Any = -1,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            axis=axis,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class Temperature(Layer):
    """y = softmax(log(x) / temperature) for probabilities x (Guo et al. 2017, "On Calibration")."""

    def __init__(
        self,
        temperature: Any = 1.0,
        independent: Any = False,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            temperature=temperature,
            independent=independent,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


class UnitNormalization(Layer):
    """y = x / |x| along `axis`."""

    def __init__(
        self,
        axis: Any = -1,
        *,
        name: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        input_shape: Any = None,
        input_dim: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        super().__init__(
            axis=axis,
            name=name,
            trainable=trainable,
            dtype=dtype,
            input_shape=input_shape,
            input_dim=input_dim,
            batch_input_shape=batch_input_shape,
        )


def Input(shape: Any = None, batch_size: int | None = None, **others: Any) -> InputLayer:
    """The shape of one row."""
    return InputLayer(shape, batch_size=batch_size, **others)


__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Clamp",
    "ColumnTransformer",
    "Dense",
    "Dropout",
    "Embedding",
    "EnsembleAverage",
    "EnsembleDense",
    "EnsembleScale",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "ParametricActivation",
    "PeriodicEmbedding",
    "Permute",
    "PiecewiseLinearEmbedding",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Scale",
    "SmoothClip",
    "Softmax",
    "Temperature",
    "UnitNormalization",
]
