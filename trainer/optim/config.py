"""Options of the optimisers."""

from dataclasses import dataclass

from gristmill.trainer.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimisers and learning rates."""

    kind: str = "muon"
    """muon (matrices of the layers by Muon, the rest by AdamW) or adamw (all)."""
    lr: float = 0.003
    """Peak learning rate of AdamW."""
    embedding_lr: float = 0.0
    """Of the input embedding, where the output matrix is another (model.tied=false), at width 768; it grows with
    sqrt(768 / width) (nanochat); 0: lr. Value embeddings have half of it."""
    head_lr: float = 0.0
    """Of that output matrix, scaled alike; 0: lr."""
    critic_lr: float = 0.0
    """Of PPO's critic, which is all AdamW's; 0: lr."""
    muon_lr: float = 0.02
    """Peak learning rate of Muon; scaled by sqrt(max(1, rows / columns))."""
    weight_decay: float = 0.0
    """Of AdamW's matrices and embeddings; norms and biases never decay."""
    muon_weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    muon_momentum: float = 0.95
    muon_momentum_warmup: int = 0
    """Steps over which that momentum rises from 0.85 (modded-nanogpt)."""
    muon_variant: str = "muon"
    """muon, or normuon: Polar Express (Amsel et al. 2025) in place of Newton-Schulz, then every row by its own running
    size (NorMuon, Li et al. 2025), and decay only where it agrees with the step (Chen et al. 2025)."""
    muon_compute: str = "auto"
    """Dtype in which Muon orthogonalises: bfloat16 (as torch.optim.Muon), float32, or auto: bfloat16 on CUDA."""
    schedule: str = "wsd"
    """wsd (warm-up, stable, linear decay) or cosine."""
    warmup: float = 0.02
    """Share of the steps."""
    decay: float = 0.5
    """wsd: share of the steps, at the end."""
    final: float = 0.0
    """Learning rate at the end, as a share of the peak."""
    clip: float = 1.0
    """Largest gradient norm; 0: no clipping."""
    average: float = 0.0
    """Decay of the moving average of the weights, which is then evaluated, saved and generated with; 0: none."""

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r} is not a choice",
                    where=f"option optim.{name}",
                    fix=f"one of: {', '.join(allowed)}",
                )


_CHOICES = {
    "kind": ("muon", "adamw"),
    "schedule": ("wsd", "cosine"),
    "muon_variant": ("muon", "normuon"),
    "muon_compute": ("auto", "bfloat16", "float32"),
}
