"""Whether workers on other machines can read what a recipe names and write where the run is to lie."""

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import LoadedRecipe
from gristmill.pipelines.storage.addresses import is_remote
from gristmill.pipelines.storage.store import Store

COPY = "copy it there first (gcloud storage cp -r FOLDER gs://BUCKET/FOLDER) and name the address"


def check_places(loaded: LoadedRecipe, store: Store, runner: str) -> None:
    """Raises RecipeError that names every place of this machine. Models, lists, labels and plugins may lie here: they
    are brought into the run directory."""
    if store.local is not None:
        fix = "give an address with --out, such as gs://BUCKET/RUN"
        raise RecipeError(f"{runner} works on other machines: the run cannot lie here", where=store.root, fix=fix)
    found = [
        (name, path)
        for name, source in loaded.recipe.sources.items()
        for path in (source.paths or ([source.format] if source.format == "machine" else []))
        if not any(map(is_remote, path.split("::")))
    ]
    options = loaded.recipe.deduplicate
    for number, path in enumerate(options.against if options else ()):
        if not is_remote(path):
            what = f"{runner} works on other machines, and this index lies here: {path}"
            raise RecipeError(what, where=loaded.where("deduplicate", "against", number), fix=COPY)
    if found:
        shown = "\n    ".join(f"source '{name}': {path}" for name, path in found[:10])
        more = f"\n    and {len(found) - 10:,} more" if len(found) > 10 else ""
        what = f"{runner} works on other machines, and these inputs lie here:\n    {shown}{more}"
        raise RecipeError(what, where=loaded.where("sources", found[0][0], "paths"), fix=COPY)
