"""On this machine, one process for each device: torchrun, started and followed as a local process."""

from pydantic import Field

from gristmill.infra.launch.local import Local, LocalOptions


class TorchrunOptions(LocalOptions):
    """Of `launch: torchrun`."""

    processes: int = Field(2, ge=1, le=1024)
    """One for each device."""


def make(options: TorchrunOptions | None) -> Local:
    """From the options of a target."""
    chosen = options or TorchrunOptions()
    return Local(chosen, chosen.processes)
