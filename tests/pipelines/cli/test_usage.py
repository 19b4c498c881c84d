"""Command lines as people get them wrong: exit code 2, what is meant, in our words."""

import pytest

from gristmill.pipelines.cli import main as command
from gristmill.pipelines.cli.training.train import STAGES
from gristmill.trainer import __main__ as trainer
from gristmill.trainer.commands.training.train import stages

MISTAKES = {
    "run r.yaml --output x": "did you mean '--out'?",
    "run r.yaml -o x": "did you mean '--out'?",
    "run r.yaml -j 4": "did you mean '--workers'?",
    "run r.yaml --num-workers 4": "did you mean '--workers'?",
    "run r.yaml --worker 4": "did you mean '--workers'?",
    "run r.yaml --out": "--out needs a value",
    "run r.yaml --resume": "goes on where it stopped",
    "run r.yaml --force": "name another --out",
    "run r.yaml --dry-run": "gristmill validate",
    "run r.yaml --verbose": "run.log",
    "run --recipe r.yaml": "name the recipe without an option",
    "run --config=r.yaml": "name the recipe without an option",
    "run r.yaml --until tokenise": "did you mean 'tokens'?",
    "run r.yaml --runner sprak": "did you mean 'spark'?",
    "run r.yaml --memory 8G": "for example --memory 8GB",
    "run r.yaml --sample 120%": "write 1% or 0.01",
    "run r.yaml --sample 1": "write 1% or 100%",
    "run r.yaml --workers two": "expected a whole number; got 'two'",
    "validate": "RECIPE is missing",
    "classifier train r.yaml": "where: gristmill classifier train",
    "extract show": "where: gristmill extract show",
    "validate r.yaml --strict": "valid: --help",
    "validate .": "name the YAML file itself",
    "why": "RUN is missing",
    "why r.yaml x": "is not a run directory",
    "watch runs": "--launch",
    "watch runs --lauch t.yaml": "did you mean '--launch'?",
    "train chain": "gristmill train chain FILE",
    "why runs/x x --jsn": "did you mean '--json'?",
    "why runs/x x --characters some": "expected a whole number; got 'some'",
    "status r.yaml": "runs/<name of the recipe>",
    "clean runs/x --yes": "nothing is asked",
    "help": "gristmill COMMAND --help",
    "resume r.yaml": "goes on where it stopped",
    "vaildate r.yaml": "did you mean 'validate'?",
    "--versoin": "did you mean '--version'?",
    "init a.yaml b.yaml": "unexpected argument 'b.yaml'",
    "cluster kafka up": "valid: flink, spark",
    "rules gofer": "did you mean 'gopher@",
    "run r.yaml —sample 1%": "two hyphens: --sample",
    "run r.yaml –-sample 1%": "two hyphens: --sample",
    "validate r.yaml —help": "two hyphens: --help",
    "run 配方.yaml": "there are: r.yaml",
    "run R.yml": "did you mean 'r.yaml'?",
    "classifier trian r.yaml x": "did you mean 'train'?",
    "cluster up spark": "gristmill cluster spark up",
    "generate": "CHECKPOINT is missing",
    "train sft --from x": "gristmill train sft RUN --from CHECKPOINT",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistake__says_what_is_meant(line, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text("gristmill: 1\nname: t\nsources: {a: {format: bundled}}\n", "utf-8")
    monkeypatch.setattr("sys.argv", ["gristmill", *line.split()])
    with pytest.raises(SystemExit) as left:
        command.main()
    said = capsys.readouterr().err
    assert left.value.code == 2, said
    assert MISTAKES[line] in " ".join(said.split())
    assert "fix:" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.yaml"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train run --epochs 3", "anything else: --set"),
        ("train run --stps 3", "did you mean '--steps'?"),
        ("train run --steps many", "--steps"),
        ("train", "RUN"),
        ("trian run", "trian"),
    ],
)
def test_trainer__a_command_line_that_it_cannot_understand(line, message, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["trainer", *line.split()])
    with pytest.raises(SystemExit) as left:
        trainer.main()
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert message.casefold() in said.casefold()
    assert said.startswith("error: ")
    assert "fix:" in said


def test_train__knows_the_stages_of_the_trainer():
    assert {"pretrain", *STAGES} == {str(one.name or one.callback.__name__) for one in stages.registered_commands}


@pytest.mark.parametrize("line", ["--help", "-h", "run -h", "why --help"])
def test_help__both_spellings(line, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gristmill", *line.split()])
    with pytest.raises(SystemExit) as left:
        command.main()
    assert left.value.code == 0
    assert "Usage" in capsys.readouterr().out
