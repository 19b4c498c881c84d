"""All alarms of a run."""

from collections.abc import Mapping, Sequence

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.report.alarms.alarm import Alarms, alarms_of
from gristmill.pipelines.report.alarms.drift import drift_alarms
from gristmill.pipelines.report.alarms.edges import edge_alarms
from gristmill.pipelines.report.alarms.hits import hit_alarms
from gristmill.pipelines.report.alarms.reference import Reference, read_reference
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.sections.decisions import Entry

LEAST, DRIFT = 300, 0.25
"""Of a run whose recipe is older than alarms."""


def build_alarms(material: Material, entries: Sequence[Entry], figures: Mapping[str, float]) -> Alarms:
    """What did nothing or everything, bounds at an edge, what has drifted from the reference run, if there is one."""
    options = material.recipe.get("alarms") or {}
    least, bound = options.get("documents", LEAST), options.get("drift", DRIFT)
    found = [*hit_alarms(material, least), *edge_alarms(entries, least)]
    reference = _reference(material)
    if reference is not None:
        found += drift_alarms(material, entries, figures, reference, bound, least)
    return alarms_of(found, reference.name if reference else None)


def _reference(material: Material) -> Reference | None:
    """None also where it can no longer be read: then no figure says that nothing has drifted."""
    place = material.state.get("reference")
    try:
        return read_reference(place) if place else None
    except InputError:
        return None
