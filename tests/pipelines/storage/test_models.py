"""Models travel by the run directory: from a file or an object store to it, and from it to whoever works on the run."""

import pickle
import shutil
import threading
from pathlib import Path

import pytest

from gristmill.filters import placed as places
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.recipe.load import LoadedRecipe, load
from gristmill.pipelines.storage.models import bring, fetch, keep, models
from gristmill.pipelines.storage.rundir import claim
from gristmill.pipelines.storage.store import Store

RECIPE = """\
gristmill: 1
name: own
sources: {web: {format: jsonl, paths: a.jsonl}}
classifiers:
  edu: {model: MODEL, positive: good, languages: [en], feeding: words-1}
"""


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(places, "_places", {})
    yield
    from gristmill.filters.quality.signals import declare

    declare([], [])


def loaded(folder: Path, model: str) -> LoadedRecipe:
    (folder / "recipe.yaml").write_text(RECIPE.replace("MODEL", model), encoding="utf-8")
    return load(folder / "recipe.yaml", fetch)


def on_another_machine(recipe: LoadedRecipe):
    """The recipe as a worker gets it, who knows of no file."""
    places._places.clear()
    return pickle.loads(pickle.dumps(recipe.recipe))


def test_bring__from_the_runs_own_copy(small_models, tmp_path) -> None:
    shutil.copy(small_models.file(), tmp_path / "edu.bin")
    recipe, store = loaded(tmp_path, "edu.bin"), Store.at(tmp_path / "run")
    claim(store)
    keep(store, recipe.recipe)
    (tmp_path / "edu.bin").unlink()
    worker = on_another_machine(recipe)
    bring(store, worker)
    (model,) = models(worker)
    assert Path(places.placed(model)) == tmp_path / "run" / model.kept_as
    assert Path(places.placed(model)).read_bytes() == small_models.file().read_bytes()


def test_keep__a_copy_that_is_not_the_model_is_made_again(small_models, tmp_path) -> None:
    shutil.copy(small_models.file(), tmp_path / "edu.bin")
    recipe, store = loaded(tmp_path, "edu.bin"), Store.at(tmp_path / "run")
    store.prepare()
    (model,) = models(recipe.recipe)
    store.write_bytes(model.kept_as, b"half")
    keep(store, recipe.recipe)
    assert store.read_bytes(model.kept_as) == small_models.file().read_bytes()


def test_keep__a_model_that_changes_meanwhile_is_said(small_models, tmp_path) -> None:
    shutil.copy(small_models.file(), tmp_path / "edu.bin")
    recipe, store = loaded(tmp_path, "edu.bin"), Store.at(tmp_path / "run")
    store.prepare()
    shutil.copy(small_models.file("zh"), tmp_path / "edu.bin")
    with pytest.raises(InputError, match=r"the file 'edu\.bin' has changed since the recipe was read"):
        keep(store, recipe.recipe)
    assert store.names("models") == []


@pytest.mark.process
def test_a_model_on_an_object_store__is_read_there_and_brought_from_the_run(s3, small_models, tmp_path) -> None:
    bucket, before = s3.bucket(), threading.active_count()
    s3.client().put_object(Bucket=bucket, Key="models/edu.bin", Body=small_models.file().read_bytes())
    recipe, store = loaded(tmp_path, f"s3://{bucket}/models/edu.bin"), Store.at(f"s3://{bucket}/run")
    assert threading.active_count() == before  # whoever forks workers has no threads
    keep(store, recipe.recipe)
    worker = on_another_machine(recipe)
    bring(store, worker)
    (model,) = models(worker)
    assert Path(places.placed(model)).read_bytes() == small_models.file().read_bytes()


@pytest.mark.process
def test_a_model_on_an_object_store__that_is_not_there_is_said(s3, tmp_path) -> None:
    with pytest.raises(RecipeError, match=r"classifiers\.edu\.model: there is no model at 's3://.*/gone\.bin'"):
        loaded(tmp_path, f"s3://{s3.bucket()}/models/gone.bin")
