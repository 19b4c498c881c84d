"""Which parameter is whose: the groups that have an optimiser and a learning rate of their own."""

from torch import nn

from gristmill.trainer.optim.config import OptimConfig

KINDS = ("muon", "embedding", "values", "head", "critic", "decayed", "plain")


def parameter_groups(model: nn.Module, config: OptimConfig) -> dict[str, list[tuple[str, nn.Parameter]]]:
    """muon: matrices inside the layers; embedding, head: those two, where they are not one; values: value embeddings;
    critic: all of a critic; decayed: other matrices and embeddings; plain: norms, biases, scores.

    Frozen parameters are in none. Raises AssertionError unless every other one is in exactly one.
    """
    groups: dict[str, list[tuple[str, nn.Parameter]]] = {kind: [] for kind in KINDS}
    names = {name: p for name, p in model.named_parameters() if p.requires_grad}
    alone = {"embedding.weight": "embedding", "head.weight": "head"} if "head.weight" in names else {}
    for name, parameter in names.items():
        matrix = parameter.ndim >= 2 and ".blocks." in name and "router" not in name and ".adapter." not in name
        kind = "muon" if matrix and config.kind == "muon" else "decayed" if parameter.ndim >= 2 else "plain"
        kind = "values" if name.startswith("value_embeddings.") else kind
        kind = "critic" if name.startswith("critic.") else kind
        groups[alone.get(name, kind)].append((name, parameter))
    seen = [id(parameter) for group in groups.values() for _, parameter in group]
    assert len(seen) == len(set(seen)), "a parameter is in two groups"
    assert set(seen) == {id(p) for p in names.values()}, "a parameter is in no group"
    return groups
