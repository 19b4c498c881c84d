"""Scaling laws: sums of power laws fitted in log space with the Huber loss, and bootstrap intervals.

A law is log L = logsumexp over its terms of (features @ parameters): with a constant term this is
L(N, D) = E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, approach 3) or L(C) = c + a C^b.

Letters: R runs, K terms, P parameters, S bootstrap samples.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import OptimizeResult, least_squares

HUBER = 1e-3  # in log space (Hoffmann et al. 2022, D.2)
EXPONENTS = (0.1, 0.3, 0.6)
CONSTANT_SHARES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Law:
    """A fitted law over inputs (N, D) or (C,)."""

    names: tuple[str, ...]
    """Of the inputs."""
    middle_I: np.ndarray
    """Mean logs of the inputs in the fit: features are centred there."""
    parameters_P: np.ndarray
    """log of the constant, then (log factor at the middle, exponent) of each input."""
    samples_SP: np.ndarray
    """The same of each bootstrap sample."""
    noise_S: np.ndarray
    """Residuals (of log losses) drawn for each sample: a new run has one too."""

    def __call__(self, *inputs: float) -> float:
        """Predicted loss."""
        return float(self._losses(self.parameters_P[None], inputs)[0])

    def interval(self, *inputs: float, share: float = 0.9) -> tuple[float, float]:
        """Where the measured loss of a new run should be: the central `share` of the bootstrap's predictions, each
        with the noise of a run."""
        drawn_S = self._losses(self.samples_SP, inputs) * np.exp(self.noise_S)
        low, high = np.quantile(drawn_S, [(1 - share) / 2, (1 + share) / 2])
        return float(low), float(high)

    def _losses(self, parameters_SP: np.ndarray, inputs: tuple[float, ...]) -> np.ndarray:
        features_1KP = features(np.log(np.array([inputs], float)) - self.middle_I)
        return np.exp(predict(features_1KP, parameters_SP)[:, 0])

    def coefficients(self) -> dict[str, dict[str, float | list[float]]]:
        """Readable: constant, and factor and exponent of each input, each with its 90 % interval."""
        all_SP = np.concatenate([self.parameters_P[None], self.samples_SP])
        columns = {"constant": np.exp(all_SP[:, 0])}
        for i, name in enumerate(self.names):
            exponent_S = all_SP[:, 2 + 2 * i]
            columns[f"exponent_{name}"] = exponent_S
            columns[f"factor_{name}"] = np.exp(np.clip(all_SP[:, 1 + 2 * i] - exponent_S * self.middle_I[i], -700, 700))
        return {
            name: {"value": float(values[0]), "interval_90": np.quantile(values[1:], [0.05, 0.95]).tolist()}
            for name, values in columns.items()
        }


def fit_law(inputs: dict[str, np.ndarray], loss_R: np.ndarray, *, samples: int = 500, seed: int = 0) -> Law:
    """Fits loss = constant + sum over inputs of factor * input ** exponent. Raises ValueError with too few runs.

    The bootstrap resamples residuals, not runs: a ladder is a designed experiment and has few runs (Efron and
    Tibshirani 1993, 9.4); residuals are enlarged by sqrt(R / (R - P)) for the parameters they were fitted with.
    """
    log_RI = np.log(np.stack(list(inputs.values()), 1).astype(float))
    middle_I, log_R = log_RI.mean(0), np.log(np.asarray(loss_R, float))
    features_RKP = features(log_RI - middle_I)
    R, _, P = features_RKP.shape
    if R <= P:
        raise ValueError(f"{P} parameters need more than {P} runs, there are {R}")
    fits = [_minimise(features_RKP, log_R, start_P) for start_P in _starts(log_R, log_RI.shape[1])]
    best_P = min(fits, key=lambda fit: fit.cost).x
    fitted_R = predict(features_RKP, best_P[None])[0]
    residual_R = (log_R - fitted_R) * np.sqrt(R / (R - P))
    rng = np.random.default_rng(seed)
    residual_R -= residual_R.mean()
    target_SR, noise_S = fitted_R + rng.choice(residual_R, (samples, R)), rng.choice(residual_R, samples)
    samples_SP = np.stack([_minimise(features_RKP, target_R, best_P).x for target_R in target_SR])
    return Law(tuple(inputs), middle_I, best_P, samples_SP, noise_S)


def features(x_RI: np.ndarray) -> np.ndarray:
    """(R, K, P): term 0 is the constant; term i + 1 is a power of input i, given by its centred log."""
    R, inputs = x_RI.shape
    made_RKP = np.zeros((R, inputs + 1, 1 + 2 * inputs))
    made_RKP[:, 0, 0] = 1.0
    for i in range(inputs):
        made_RKP[:, i + 1, 1 + 2 * i] = 1.0
        made_RKP[:, i + 1, 2 + 2 * i] = x_RI[:, i]
    return made_RKP


def predict(features_RKP: np.ndarray, parameters_SP: np.ndarray) -> np.ndarray:
    """(S, R): log losses."""
    return _predict(features_RKP, parameters_SP)[0]


def _predict(features_RKP: np.ndarray, parameters_SP: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(log losses (S, R), shares of the terms (S, R, K))."""
    term_SRK = np.einsum("rkp,sp->srk", features_RKP, parameters_SP)
    top_SR1 = term_SRK.max(-1, keepdims=True)
    share_SRK = np.exp(term_SRK - top_SR1)
    total_SR1 = share_SRK.sum(-1, keepdims=True)
    return (top_SR1 + np.log(total_SR1))[..., 0], share_SRK / total_SR1


def _starts(log_R: np.ndarray, inputs: int) -> np.ndarray:
    """(S, P): shares of the constant in the smallest loss, and exponents of every input."""
    least, mean = np.exp(log_R.min()), np.exp(log_R.mean())
    made = []
    for share, *exponents in product(CONSTANT_SHARES, *[EXPONENTS] * inputs):
        rest = np.log((mean - share * least) / inputs)
        made.append([np.log(share * least), *(x for e in exponents for x in (rest, -e))])
    return np.array(made)


def _minimise(features_RKP: np.ndarray, target_R: np.ndarray, start_P: np.ndarray) -> OptimizeResult:
    """The fit from one start: `x` are its parameters, `cost` its Huber loss."""

    def miss_R(at_P: np.ndarray) -> np.ndarray:
        return predict(features_RKP, at_P[None])[0] - target_R

    def slope_RP(at_P: np.ndarray) -> np.ndarray:
        _, share_SRK = _predict(features_RKP, at_P[None])
        return np.einsum("rk,rkp->rp", share_SRK[0], features_RKP)

    return least_squares(miss_R, start_P, slope_RP, loss="huber", f_scale=HUBER, x_scale="jac")
