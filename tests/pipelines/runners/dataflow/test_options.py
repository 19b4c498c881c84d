"""Options of a job on Dataflow: every fault is found before anything is sent, and all of them at once."""

import pytest
from apache_beam.options.pipeline_options import DebugOptions, GoogleCloudOptions, SetupOptions, WorkerOptions

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.runners.budget import Budget
from gristmill.pipelines.runners.dataflow.options import MOST_WORKERS, DataflowOptions, parse
from gristmill.pipelines.runners.options import choose

IMAGE = "europe-west4-docker.pkg.dev/mill-project/mill/gristmill:0.1.0"
GOOD = {
    "project": "mill-project",
    "region": "europe-west4",
    "temp_location": "gs://mill/temp",
    "sdk_container_image": IMAGE,
}


def arguments(**changed: str | None) -> list[str]:
    return [f"--{name}={value}" for name, value in {**GOOD, **changed}.items() if value is not None]


def test_a_job__is_told_what_suits_gil_bound_steps_and_installs_nothing():
    chosen = choose("dataflow", 0, [*arguments(), "--experiments=mine", "--labels=team=data,kind=web"])
    assert chosen.workers == MOST_WORKERS
    options = chosen.options
    assert options.view_as(SetupOptions).sdk_location == "container"
    assert options.view_as(SetupOptions).requirements_file is None
    assert not options.view_as(SetupOptions).save_main_session
    debug = options.view_as(DebugOptions)
    assert debug.number_of_worker_harness_threads == 1
    assert debug.experiments == ["mine", "disable_logging_submission_environment"]
    assert "no_use_multiple_sdk_containers" not in debug.experiments, "one process for each core"
    worker = options.view_as(WorkerOptions)
    assert (worker.sdk_container_image, worker.max_num_workers) == (IMAGE, MOST_WORKERS)
    assert options.view_as(GoogleCloudOptions).labels == ["team=data", "kind=web"]


def test_private_network__flexrs__machines():
    place = {"subnetwork": "regions/europe-west4/subnetworks/private", "network": "mill"}
    given = arguments(**place, flexrs_goal="COST_OPTIMIZED", machine_type="n2-standard-8", disk_size_gb="50")
    chosen = choose(
        "dataflow", 3, [*given, "--no_use_public_ips", "--resource_hint=min_ram=16GB", "--num_workers", "2"]
    )
    worker, cloud = chosen.options.view_as(WorkerOptions), chosen.options.view_as(GoogleCloudOptions)
    assert worker.use_public_ips is False
    assert (worker.network, worker.subnetwork) == ("mill", "regions/europe-west4/subnetworks/private")
    assert (worker.machine_type, worker.disk_size_gb, worker.num_workers) == ("n2-standard-8", 50, 2)
    assert worker.max_num_workers == 3, "--workers of the command line"
    assert cloud.flexrs_goal == "COST_OPTIMIZED"
    assert parse([*given, "--no_use_public_ips", "--max_num_workers=9"], 3)[0].max_num_workers == 9


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"project": None}, "--project is required: Id of the Google Cloud project"),
        ({"project": "Mill Project"}, "--project: 'Mill Project' does not do"),
        ({"region": None}, "--region is required"),
        ({"region": "europe-west4-b"}, "This is a zone; its region is europe-west4."),
        ({"region": "欧洲"}, "--region: '欧洲' does not do"),
        ({"temp_location": "/tmp/here"}, "Workers cannot read a folder of this machine."),
        ({"temp_location": "gs://"}, "--temp_location: 'gs://' does not do"),
        ({"staging_location": "s3://mill/x"}, "--staging_location: 's3://mill/x' does not do"),
        ({"sdk_container_image": None}, "--sdk_container_image is required: Image of the workers"),
        ({"sdk_container_image": "europe-west4-docker.pkg.dev/p/mill/gristmill"}, "It lacks a tag."),
        ({"sdk_container_image": IMAGE.replace("0.1.0", "latest")}, "`latest` may change while the job runs"),
        ({"max_num_workers": "0"}, "--max_num_workers: '0' does not do"),
        ({"max_num_workers": "many"}, "--max_num_workers: 'many' does not do"),
        ({"num_workers": "20"}, "--num_workers: 20 are more than max_num_workers, 16"),
        ({"flexrs_goal": "CHEAP"}, "--flexrs_goal: 'CHEAP' does not do"),
        ({"machine_type": "big"}, "--machine_type: 'big' does not do"),
        ({"disk_size_gb": "1"}, "--disk_size_gb: '1' does not do"),
        ({"labels": "Team=data"}, "'Team=data' is no label"),
        ({"labels": "磨坊=是"}, "'磨坊=是' is no label"),
        ({"service_account_email": "me@example.com"}, "--service_account_email"),
        ({"subnetwork": "private"}, "Subnetwork of the workers, such as regions/"),
        ({"subnetwork": "regions/us-central1/subnetworks/x"}, "it is not in the region europe-west4"),
        ({"number_of_worker_harness_threads": "0"}, "--number_of_worker_harness_threads: '0' does not do"),
        ({"regoin": "x"}, "unknown argument '--regoin'"),
    ],
)
def test_wrong__is_named_with_what_to_do(changed, said):
    with pytest.raises(RecipeError) as caught:
        parse(arguments(**changed))
    assert said in caught.value.what
    assert caught.value.where == "the arguments after --"
    assert caught.value.fix


def test_all_faults__at_once():
    with pytest.raises(RecipeError, match="4 problems"):
        parse(["--region=europe-west4-a", "--temp_location=/tmp"])
    with pytest.raises(RecipeError, match="private addresses need a subnetwork"):
        parse([*arguments(), "--no_use_public_ips"])


def test_budgets_of_this_machine__are_refused():
    with pytest.raises(RecipeError, match="the dataflow runner keeps no budget"):
        choose("dataflow", 2, arguments(), budget=Budget(disk=1))


def test_every_option__is_described():
    assert all(field.description for field in DataflowOptions.model_fields.values())
