"""python -m gristmill.pipelines.cli.docs [--check]: print the pages made from the code, or say that one is stale."""

import json
import sys
from pathlib import Path

from click import Context

from gristmill.filters.presets import PRESETS
from gristmill.filters.registry import OURS
from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.cli.datasets_page import datasets_page
from gristmill.pipelines.cli.terminal.output import note
from gristmill.pipelines.errors import Exit
from gristmill.pipelines.recipe.documented import recipe_schema
from gristmill.pipelines.recipe.gates import figures_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def pages() -> dict[str, str]:
    """File name -> content of every generated page."""
    schema = json.dumps(recipe_schema(), indent=1, ensure_ascii=False) + "\n"
    return {
        "recipe.schema.json": schema,
        "recipe.md": recipe_page(),
        "rules.md": rules_page(),
        "cli.md": cli_page(),
        "datasets.md": datasets_page(),
        "figures.md": figures_page(),
    }


def recipe_page() -> str:
    """Every key of a recipe with its default and meaning."""
    lines = [
        "# The recipe",
        "",
        "Made from `pipelines/recipe/schema.py` by `make docs`. Defaults are the recommended values.",
        "",
    ]
    schema = recipe_schema()
    for name, model in [("recipe", schema), *schema["$defs"].items()]:
        lines += [
            f"## {name}",
            "",
            model.get("description", "").split("\n")[0],
            "",
            "| key | type | default | meaning |",
            "|---|---|---|---|",
        ]
        for key, field in model.get("properties", {}).items():
            default = json.dumps(field["default"], ensure_ascii=False) if "default" in field else "required"
            lines.append(
                f"| `{key}` | {_type(field)} | `{default}` | {field.get('description', '')} |".replace("\n", " ")
            )
        lines.append("")
    return "\n".join(lines)


def _type(field: dict) -> str:
    if "$ref" in field:
        return f"[{field['$ref'].split('/')[-1]}](#{field['$ref'].split('/')[-1].lower()})"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(_type(option) for option in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return str(field.get("const", field.get("type", "mapping")))


def rules_page() -> str:
    """Every preset with its rules, and every signal."""
    lines = ["# Rules and signals", "", "Made from `filters/presets/` and `filters/signals/` by `make docs`.", ""]
    for name in PRESETS.of(OURS):
        preset = PRESETS[name]
        lines += [f"## {name}", "", preset.source, ""]
        lines += [
            f"* `{full}`: {rule.sentence()}" for full, rule in zip(preset.rule_names(), preset.rules, strict=True)
        ]
        lines.append("")
    lines += ["## Signals", "", "| signal | unit | for | meaning |", "|---|---|---|---|"]
    signals = {name: SIGNALS[name] for name in SIGNALS.of(OURS)}
    lines += [f"| `{name}` | {s.unit} | {s.scripts} | {s.summary} |" for name, s in signals.items()]
    return "\n".join([*lines, ""])


def cli_page() -> str:
    """The help of every command."""
    from gristmill.pipelines.cli.main import Commands

    lines = ["# The command", "", "Made from `gristmill COMMAND --help` by `make docs`.", ""]
    for name, entry in sorted(Commands.table.items()):
        command = entry.load(name)
        usage = command.get_usage(Context(command, info_name=f"gristmill {name}")).removeprefix("Usage: ")
        lines += [f"## gristmill {name}", "", (command.help or "").strip(), "", "```", usage, "```", ""]
        for parameter in command.params:
            record = getattr(parameter, "help", None)
            if record:
                lines.append(f"* `{'/'.join(parameter.opts)}` {record}")
        lines.append("")
    return "\n".join(lines)


def main(check: bool) -> int:
    """Write the pages, or compare them with what is written."""
    stale = []
    for name, text in pages().items():
        file = DOCS / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                file.write_text(text, encoding="utf-8")
    if check and stale:
        note(f"stale: {', '.join(stale)}; run `make docs`")
        return Exit.GATE
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
