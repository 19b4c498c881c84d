"""Scaling laws: sums of power laws fitted in log space with the Huber loss, and bootstrap intervals.

A law is log L = logsumexp over its terms of (features @ parameters): with a constant term this is
L(N, D) = E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, approach 3) or L(C) = c + a C^b.

Letters: R runs, K terms, P parameters, S starts or bootstrap samples.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

HUBER = 1e-3  # in log space (Hoffmann et al. 2022, D.2)
ITERATIONS, PATIENCE = 200, 12
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
    best_P = _best(features_RKP, np.broadcast_to(log_R, (1, R)), _starts(log_R, log_RI.shape[1]))
    fitted_R = predict(features_RKP, best_P[None])[0]
    residual_R = (log_R - fitted_R) * np.sqrt(R / (R - P))
    rng = np.random.default_rng(seed)
    residual_R -= residual_R.mean()
    target_SR, noise_S = fitted_R + rng.choice(residual_R, (samples, R)), rng.choice(residual_R, samples)
    samples_SP = _minimise(features_RKP, target_SR, np.tile(best_P, (samples, 1)))[0]
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


def _best(features_RKP: np.ndarray, target_1R: np.ndarray, start_SP: np.ndarray) -> np.ndarray:
    found_SP, cost_S = _minimise(features_RKP, np.repeat(target_1R, len(start_SP), 0), start_SP)
    return found_SP[cost_S.argmin()]


def _minimise(features_RKP: np.ndarray, target_SR: np.ndarray, start_SP: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(parameters (S, P), Huber losses (S,)): Levenberg-Marquardt with Huber weights, all starts at once."""
    at_SP, damping_S = start_SP.copy(), np.full(len(start_SP), 1e-2)
    cost_S = _cost(features_RKP, target_SR, at_SP)
    idle = 0
    for _ in range(ITERATIONS):
        log_SR, share_SRK = _predict(features_RKP, at_SP)
        miss_SR = log_SR - target_SR
        weight_SR = np.minimum(1.0, HUBER / np.maximum(np.abs(miss_SR), 1e-300))
        slope_SRP = np.einsum("srk,rkp->srp", share_SRK, features_RKP)
        gradient_SP = np.einsum("srp,sr->sp", slope_SRP, weight_SR * miss_SR)
        curve_SPP = np.einsum("srp,sr,srq->spq", slope_SRP, weight_SR, slope_SRP)
        scale_SP = np.einsum("spp->sp", curve_SPP) + 1e-12
        damped_SPP = curve_SPP + (damping_S[:, None] * scale_SP)[:, :, None] * np.eye(at_SP.shape[1])
        next_SP = at_SP - np.linalg.solve(damped_SPP, gradient_SP[..., None])[..., 0]
        next_cost_S = _cost(features_RKP, target_SR, next_SP)
        better_S = next_cost_S < cost_S
        idle = 0 if (next_cost_S < cost_S * (1 - 1e-6)).any() else idle + 1
        at_SP, cost_S = np.where(better_S[:, None], next_SP, at_SP), np.where(better_S, next_cost_S, cost_S)
        damping_S = np.clip(np.where(better_S, damping_S / 3, damping_S * 4), 1e-12, 1e8)
        if idle == PATIENCE:
            break
    return at_SP, cost_S


def _cost(features_RKP: np.ndarray, target_SR: np.ndarray, at_SP: np.ndarray) -> np.ndarray:
    miss_SR = np.abs(predict(features_RKP, at_SP) - target_SR)
    cost_S = np.where(miss_SR <= HUBER, 0.5 * miss_SR**2, HUBER * (miss_SR - 0.5 * HUBER)).sum(1)
    return np.where(np.isfinite(cost_S), cost_S, np.inf)
