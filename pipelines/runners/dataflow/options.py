"""What a job on Dataflow is told, checked before anything is sent. Names are Beam's own.

The descriptions are what docs/dataflow.md and the parameters of the Flex Template say (`gristmill dataflow template`).
"""

import re
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NoReturn

from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from gristmill.filters.names import nearest
from gristmill.pipelines.errors import RecipeError

AFTER = "the arguments after --"
MOST_WORKERS = 16
"""Machines that a job may start where nothing is said: the service's own bound is a thousand."""
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")


def _as_pairs(labels: Any) -> Any:
    """["a=b", "c=d"], and what one `--labels` may hold: "a=b,c=d"."""
    return [one for label in labels or () for one in str(label).split(",")] if isinstance(labels, list) else labels


class DataflowOptions(BaseModel):
    """Where a job runs, with what, and for whom."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    project: Annotated[str, Field(pattern=r"^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    """Id of the Google Cloud project that runs the job and pays for it."""
    region: Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+[0-9]+$")]
    """Region of the workers, such as europe-west4: the one in which the buckets are."""
    temp_location: Annotated[str, Field(pattern=r"^gs://[a-z0-9][a-z0-9._-]+(/.*)?$")]
    """Folder on Cloud Storage for what the service needs while the job runs."""
    staging_location: Annotated[str | None, Field(pattern=r"^gs://[a-z0-9][a-z0-9._-]+(/.*)?$")] = None
    """Folder on Cloud Storage for the staged pipeline; absent: temp_location."""
    sdk_container_image: Annotated[
        str, Field(pattern=r"^[a-z0-9.:-]+(/[a-z0-9._-]+)+(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$")
    ]
    """Image of the workers, with its tag or digest: the one that `gristmill dataflow build` made."""
    max_num_workers: Annotated[int, Field(ge=1, le=4000)] = MOST_WORKERS
    """Most machines at once."""
    num_workers: Annotated[int | None, Field(ge=1, le=4000)] = None
    """Machines to begin with; absent: the service decides."""
    machine_type: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)+$")] = None
    """Machine type of the workers, such as n2-standard-8; absent: the service's, one core with 3.75 GB."""
    disk_size_gb: Annotated[int | None, Field(ge=10, le=65536)] = None
    """Disk of each worker, in GB; absent: the service's (25)."""
    flexrs_goal: Literal["COST_OPTIMIZED", "SPEED_OPTIMIZED"] | None = None
    """COST_OPTIMIZED: about 40 % cheaper, begins within six hours (FlexRS)."""
    labels: Annotated[tuple[str, ...], BeforeValidator(_as_pairs)] = ()
    """Labels of the job and its machines on the bill, name=value, several with commas."""
    service_account_email: Annotated[str | None, Field(pattern=r"^[^@\s]+@[^@\s]+\.gserviceaccount\.com$")] = None
    """Account that the workers act as; absent: the project's default for Compute Engine."""
    network: Annotated[str | None, Field(pattern=r"^\S+$")] = None
    """Network of the workers."""
    subnetwork: Annotated[
        str | None, Field(pattern=r"^(https://\S+/)?(projects/[^/\s]+/)?regions/[^/\s]+/subnetworks/[^/\s]+$")
    ] = None
    """Subnetwork of the workers, such as regions/europe-west4/subnetworks/private."""
    use_public_ips: bool | None = None
    """false: workers have private addresses only; the subnetwork needs Private Google Access."""
    dataflow_kms_key: Annotated[
        str | None, Field(pattern=r"^projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+$")
    ] = None
    """Key of Cloud KMS that what lies between stages is encrypted with."""
    number_of_worker_harness_threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Units that one Python process does at once. The service starts a process for each core, and a process works on
    one unit at a time whatever this says (the interpreter's lock); more threads only take more memory."""
    resource_hints: tuple[str, ...] = ()
    """Hints to the service, such as min_ram=16GB: heeded by Dataflow Prime."""

    @model_validator(mode="after")
    def _together(self) -> "DataflowOptions":
        for label in self.labels:
            if not _LABEL.fullmatch(label):
                raise ValueError(f"labels: '{label}' is no label; name=value of a-z, 0-9, _ and -, a letter first")
        if self.num_workers is not None and self.num_workers > self.max_num_workers:
            raise ValueError(f"num_workers: {self.num_workers} are more than max_num_workers, {self.max_num_workers}")
        if self.subnetwork and f"regions/{self.region}/" not in self.subnetwork:
            raise ValueError(f"subnetwork: it is not in the region {self.region}")
        if self.use_public_ips is False and not (self.network or self.subnetwork):
            raise ValueError("use_public_ips: private addresses need a subnetwork with Private Google Access: name it")
        if self.sdk_container_image.endswith(":latest"):
            raise ValueError("sdk_container_image: `latest` may change while the job runs; name a tag or a digest")
        return self

    def machine(self) -> dict[str, Any]:
        """What the price depends on."""
        return self.model_dump(include={"machine_type", "disk_size_gb", "flexrs_goal"})

    def arguments(self) -> list[str]:
        """Beam's arguments for what the service has to be told."""
        given = self.model_dump(exclude_none=True, exclude={"labels", "resource_hints", "use_public_ips"})
        lists = [f"--labels={one}" for one in self.labels] + [f"--resource_hint={one}" for one in self.resource_hints]
        ips = {None: [], True: ["--use_public_ips"], False: ["--no_use_public_ips"]}[self.use_public_ips]
        return [f"--{name}={value}" for name, value in given.items()] + lists + ips


class _Parser(_BeamArgumentParser):
    """Raises instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise RecipeError(message, where=AFTER, fix="docs/dataflow.md lists them")


def parse(beam_args: Sequence[str], workers: int = 0) -> tuple[DataflowOptions, list[str]]:
    """-> (what we check, all other arguments of Beam as they stand). Raises RecipeError for every fault at once.

    workers: `--workers` of the command line, the most machines where the arguments do not say it.
    """
    ours, others = _parser(DataflowOptions.model_fields), _parser(None)
    named, rest = ours.parse_known_args(list(beam_args))
    _, unknown = others.parse_known_args(rest)
    if wrong := [one.split("=")[0] for one in unknown if one.startswith("-")]:
        valid = sorted(option for action in others._actions for option in action.option_strings)
        fix = nearest(wrong[0], [*valid, *(f"--{name}" for name in DataflowOptions.model_fields)])
        raise RecipeError(f"unknown argument '{wrong[0]}'", where=AFTER, fix=fix)
    values = {name: value for name, value in vars(named).items() if value is not None}
    if workers:
        values.setdefault("max_num_workers", workers)
    try:
        return DataflowOptions.model_validate(values), rest
    except ValidationError as error:
        raise _report(error, values) from None


def known(arguments: Sequence[str]) -> list[str]:
    """Those of `--name=value` that Beam or we know: whoever starts a template's launcher adds some of its own."""
    names = {name for action in _parser(None)._actions for name in action.option_strings}
    return [one for one in arguments if one.partition("=")[0] in names]


def _parser(ours: Any) -> ArgumentParser:
    """Of our options of Beam's, without their defaults; None: of all of Beam's."""
    every = _Parser(allow_abbrev=False)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(every)
    if ours is None:
        return every
    for action in list(every._actions):
        if action.dest not in ours:
            every._remove_action(action)
            for name in action.option_strings:
                del every._option_string_actions[name]
        action.default, action.choices, action.type = None, None, None
    every._defaults.clear()
    return every


def _report(error: ValidationError, values: dict[str, Any]) -> RecipeError:
    problems = []
    for one in error.errors():
        name = str(one["loc"][0]) if one["loc"] else ""
        about = " ".join((DataflowOptions.model_fields[name].description or "").split()) if name else ""
        if one["type"] == "missing":
            problems.append(f"--{name} is required: {about}")
        elif name:
            problems.append(f"--{name}: '{values.get(name)}' does not do. {about}{_slip(name, str(values.get(name)))}")
        else:
            problems.append(f"--{one['ctx']['error']}")
    many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    what = f"{many} in the options of the job:\n    " + "\n    ".join(problems)
    return RecipeError(what, where=AFTER, fix="correct them; docs/dataflow.md shows a whole command")


def _slip(name: str, value: str) -> str:
    """What was probably meant."""
    if name == "region" and re.fullmatch(r"[a-z]+-[a-z]+[0-9]+-[a-z]", value):
        return f" This is a zone; its region is {value[:-2]}."
    if name == "sdk_container_image" and "/" in value and ":" not in value.rsplit("/", 1)[1]:
        return " It lacks a tag."
    if name.endswith("location") and not value.startswith("gs://"):
        return " Workers cannot read a folder of this machine."
    return ""
