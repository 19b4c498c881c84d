"""All launchers by name. A new one is a file beside this one, a line here, and its options in trigger/target.py."""

from gristmill.infra.launch import kubernetes, local, slurm, torchrun, vertex
from gristmill.infra.launch.protocol import Make

LAUNCHERS: dict[str, Make] = {
    "local": local.make,
    "torchrun": torchrun.make,
    "slurm": slurm.make,
    "kubernetes": kubernetes.make,
    "vertex": vertex.make,
}
