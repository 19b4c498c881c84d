"""`gristmill dataflow build|template|submit|cost` hands over to `python -m gristmill.infra.dataflow`."""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from gristmill.infra.dataflow import image, submit, template
from gristmill.pipelines.cli.terminal.output import note, out, prepare, say_error
from gristmill.pipelines.errors import Exit, GristmillError, RecipeError, RunnerError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.recipe.sizes import parse_bytes
from gristmill.pipelines.run.capacity.cloud_cost import PRICES, Bill, Item, Machine, bill, read_prices, use_of_forecast
from gristmill.pipelines.run.capacity.forecast import forecast
from gristmill.pipelines.run.inputs.units import plan_units
from gristmill.pipelines.run.trials.trying import try_part
from gristmill.pipelines.runners.dataflow.options import parse
from gristmill.pipelines.storage import remote
from gristmill.pipelines.storage.addresses import is_remote, redacted
from gristmill.pipelines.storage.layout import STATE
from gristmill.pipelines.storage.models import fetch, models
from gristmill.pipelines.storage.rundir import is_run
from gristmill.pipelines.storage.store import Store

CLOUD_BUILD = Path(__file__).with_name("cloudbuild.yaml")


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns its exit code."""
    prepare()
    chosen, rest = _parser().parse_known_args(arguments)
    if rest and chosen.action != "submit":
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    try:
        return int(chosen.do(chosen, [one for one in rest if one != "--"]))
    except GristmillError as error:
        say_error(redacted(str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        note("stopped waiting; a job that was launched goes on, and `gristmill run` in its run directory concludes it")
        return Exit.INTERRUPTED


def build(chosen: argparse.Namespace, _: list[str]) -> int:
    """Make the image: by Cloud Build, or by Docker here where there is no gcloud."""
    if not (image.ROOT / "pyproject.toml").exists():
        fix = "git clone Gristmill, and run this command in that folder"
        raise RunnerError("the image is built from Gristmill's sources", where=str(image.ROOT), fix=fix)
    if problems := image.differing():
        what = "the lock file is not that of pyproject.toml and constraints.txt:\n    " + "\n    ".join(problems[:10])
        raise RunnerError(what, where=str(image.LOCK), fix="python -m gristmill.infra.dataflow lock")
    _check_image(chosen.image)
    by_cloud = ["gcloud", "builds", "submit", f"--config={CLOUD_BUILD}", f"--substitutions=_IMAGE={chosen.image}"]
    named = [f"--build-arg=IMAGE={chosen.image}", f"--tag={chosen.image}"]
    by_docker = ["docker", "build", "--file=infra/dataflow/Dockerfile", *named, "."]
    push = ["docker", "push", chosen.image]
    if shutil.which("gcloud"):
        commands = [by_cloud]
    elif shutil.which("docker"):
        commands = [by_docker, push]
    else:
        fix = f"install one, or run this where one is, in {image.ROOT}: {' '.join(by_cloud)}"
        fix += f"; or {' '.join(by_docker)} && {' '.join(push)}"
        raise RunnerError("neither gcloud nor docker is here", where="PATH", fix=fix)
    for command in commands:
        note(" ".join(command))
        if subprocess.run(command, cwd=image.ROOT).returncode:
            raise RunnerError("the image was not made", where=" ".join(command[:3]), fix="see what it said above")
    out.print(chosen.image)
    return Exit.OK


def write_template(chosen: argparse.Namespace, _: list[str]) -> int:
    """Write the template's file to Cloud Storage or a folder here; without an address, print it."""
    _check_image(chosen.image)
    text = json.dumps(template.checked(template.spec(chosen.image), "spec"), indent=1) + "\n"
    if chosen.to is None:
        sys.stdout.write(text)
    elif is_remote(chosen.to):
        remote.write(chosen.to, text.encode())
        note(f"template: {chosen.to}")
    else:
        Path(chosen.to).write_text(text, encoding="utf-8")
        note(f"template: {chosen.to}")
    return Exit.OK


def launch(chosen: argparse.Namespace, rest: list[str]) -> int:
    """Launch the template, wait for its job, conclude the run."""
    endpoint = next((one.partition("=")[2] for one in rest if one.startswith("--dataflow_endpoint=")), submit.ENDPOINT)
    options, _ = parse([*rest, f"--sdk_container_image={_image_of(chosen.template)}"])
    store = Store.at(chosen.out)
    if store.local is not None:
        raise RecipeError("the run cannot lie on this machine", where="--out", fix="give an address, gs://BUCKET/RUN")
    recipe = _put_recipe(chosen.recipe, store)
    given = options.model_dump(exclude_unset=True, exclude=template.GIVEN)
    parameters = {name: _text(value) for name, value in given.items()} | {"recipe": recipe, "out": store.root}
    job = submit.launch(chosen.template, parameters, options, store, endpoint)
    note(f"job {job}: https://console.cloud.google.com/dataflow/jobs/{options.region}/{job}?project={options.project}")
    if chosen.no_wait:
        note(f"when it is done: gristmill run {chosen.recipe} --out {store.root}")
        return Exit.OK
    submit.follow(job, options, endpoint, lambda state: note(f"job {job}: {state}"))
    done = [sys.executable, "-m", "gristmill.pipelines.cli.main", "run", chosen.recipe, "--out", store.root]
    return subprocess.run(done).returncode


def cost(chosen: argparse.Namespace, _: list[str]) -> int:
    """Before a job: do a part of a recipe's input, and say what the whole costs. After it: what the run cost."""
    if is_remote(chosen.what) or (Path(chosen.what).is_dir() and is_run(Store.at(chosen.what))):
        return _cost_of_run(Store.at(chosen.what))
    prices = read_prices(Path(chosen.prices) if chosen.prices else PRICES)
    machine = Machine(chosen.machine_type, chosen.disk_size_gb, "COST_OPTIMIZED" if chosen.flexrs else None)
    size = int(parse_bytes(chosen.measure))
    loaded = load(Path(chosen.what), fetch)
    units = plan_units(loaded, loaded.recipe.plan.unit_bytes)
    note(f"does {chosen.measure} of the input ...")
    measured, ended = try_part(Path(chosen.what), size)
    if measured is None:
        raise RunnerError(
            f"nothing could be measured: {ended}", where=chosen.what, fix="`gristmill validate` says more"
        )
    found = forecast(measured, [(unit.source, unit.bytes) for unit in units])
    low, likely, high = (bill(use, machine, prices) for use in use_of_forecast(found))
    _show(likely)
    out.print(f"total {likely.total:,.2f} {likely.currency} ({low.total:,.2f} - {high.total:,.2f})")
    out.print(f"and {likely.each_month:,.2f} {likely.currency} for each month that the run directory is kept")
    note(f"prices of {prices['as_of']}: {prices['source']}")
    note("measured on one core of this machine; machines while they start or wait are not counted")
    return Exit.OK


def _cost_of_run(store: Store) -> int:
    state = store.read_sealed(STATE) or {}
    if not state.get("cost"):
        fix = "only a run that had a job on Dataflow, and has finished, knows its cost"
        raise RecipeError("this run knows no cost", where=store.root, fix=fix)
    found = Bill(**{**state["cost"], "items": tuple(Item(**item) for item in state["cost"]["items"])})
    _show(found)
    out.print(f"total {found.total:,.2f} {found.currency}, at the prices of {found.prices}")
    return Exit.OK


def _show(found: Bill) -> None:
    for item in found.items:
        out.print(f"{item.name:<10}{item.amount:>14,.2f} {item.unit:<12}{item.price:>12,.4f} {found.currency}")


def _check_image(name: str) -> None:
    """Raises RecipeError for a name that a job would refuse."""
    place = ["--project=some-project", "--region=europe-west4", "--temp_location=gs://some-bucket/temp"]
    parse([*place, f"--sdk_container_image={name}"])


def _image_of(address: str) -> str:
    """The image that a template's file names. Raises RecipeError for a file that is no template."""
    try:
        found = json.loads(remote.read(address) if is_remote(address) else Path(address).read_bytes())
        return str(found["image"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        fix = "gristmill dataflow template --image IMAGE --to gs://BUCKET/templates/gristmill.json"
        raise RecipeError("there is no template", where=address, fix=fix) from None


def _put_recipe(recipe: str, store: Store) -> str:
    """Where the launcher finds the recipe. Raises RecipeError for one that names files of this machine."""
    if is_remote(recipe):
        return recipe
    loaded = load(Path(recipe), fetch)
    if loaded.recipe.plugins or any(True for _ in models(loaded.recipe)):
        fix = f"copy its folder to Cloud Storage and name gs://BUCKET/FOLDER/{Path(recipe).name}"
        raise RecipeError("this recipe names files of this machine", where=recipe, fix=fix)
    address = f"{store.root}-recipe/{Path(recipe).name}"
    remote.write(address, Path(recipe).read_bytes())
    return address


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _lock(_: argparse.Namespace, __: list[str]) -> int:
    image.write_lock()
    return Exit.OK


def _check(_: argparse.Namespace, __: list[str]) -> int:
    image.check()
    return Exit.OK


def _metadata(_: argparse.Namespace, __: list[str]) -> int:
    text = json.dumps(template.checked(template.metadata(), "metadata"), indent=1)
    template.METADATA.write_text(text + "\n", encoding="utf-8")
    return Exit.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gristmill dataflow", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True)
    made = actions.add_parser("build", help=build.__doc__, allow_abbrev=False)
    made.add_argument("--image", required=True, help="Registry, path and tag.")
    made.set_defaults(do=build)
    written = actions.add_parser("template", help=write_template.__doc__, allow_abbrev=False)
    written.add_argument("--image", required=True, help="Registry, path and tag.")
    written.add_argument("--to", help="Where to, gs://... or a file; absent: the terminal.")
    written.set_defaults(do=write_template)
    launched = actions.add_parser("submit", help=launch.__doc__, allow_abbrev=False)
    launched.add_argument("recipe", help="The recipe, here or gs://...")
    launched.add_argument("--out", required=True, help="Run directory, gs://...")
    launched.add_argument("--template", required=True, help="What `template` wrote, gs://...")
    launched.add_argument("--no-wait", action="store_true", help="Launch it and leave.")
    launched.set_defaults(do=launch)
    priced = actions.add_parser("cost", help=cost.__doc__, allow_abbrev=False)
    priced.add_argument("what", help="A recipe, or a run directory.")
    priced.add_argument("--measure", default="8MB", help="How much of the input is done to see what the whole takes.")
    priced.add_argument("--machine_type", help="As of a job.")
    priced.add_argument("--disk_size_gb", type=int, help="As of a job.")
    priced.add_argument("--flexrs", action="store_true", help="At the prices of FlexRS.")
    priced.add_argument("--prices", help="A table of your own, JSON.")
    priced.set_defaults(do=cost)
    for name, do in (("lock", _lock), ("check", _check), ("metadata", _metadata)):
        actions.add_parser(name).set_defaults(do=do)
    return parser


if __name__ == "__main__":
    sys.exit(main())
