"""The units of a recipe, and what can be said about its inputs once they are known."""

from gristmill.pipelines.recipe.load import LoadedRecipe
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.run.inputs.field_names import check_field_names
from gristmill.pipelines.run.inputs.label_matches import check_matches
from gristmill.pipelines.run.inputs.plan import plan_source


def plan_units(loaded: LoadedRecipe, unit_bytes: int, notes: list[str] | None = None) -> list[Unit]:
    """The units of every source, in the recipe's order; `notes` gets what a user should know about the input.

    Raises InputError for a path that matches nothing, or nothing that can be read, RecipeError for a name of a field
    that no record has and for labels that no record has.
    """
    notes = [] if notes is None else notes
    sources = loaded.recipe.sources.items()
    units = [unit for name, source in sources for unit in plan_source(name, source, loaded.folder, unit_bytes, notes)]
    notes += check_field_names(loaded, units)
    notes += check_matches(loaded, units)
    return units
