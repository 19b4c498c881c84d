"""sbatch, squeue, sacct, scontrol and srun, by the name that this file is called by. State: a folder, $FAKE_SLURM.

As strict as Slurm where it matters: options of #SBATCH that it does not have are errors, lines behind the first command
are no options, a job's states are those of its process, a number that was forgotten is an error of squeue and known to
sacct. Files in the folder make it misbehave: `refuse` (its text is the error), `lost` (the job is taken, the answer
is lost), `pending` (jobs wait), `forget` (squeue knows no ended job), `cancelled-N` (what scancel did to a job).
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_SLURM"])
OPTIONS = {
    *("job-name", "comment", "output", "open-mode", "nodes", "ntasks-per-node", "partition", "account", "qos", "time"),
    *("gpus-per-node", "cpus-per-task", "mem", "constraint", "signal", "requeue", "mail-type"),
}
PARTITIONS = ("gpu", "debug")


def error(program: str, text: str) -> int:
    print(f"{program}: error: {text}", file=sys.stderr)
    return 1


def parsed(script: str) -> dict[str, str] | str:
    """The options of a script, or what is wrong with it."""
    lines = script.splitlines()
    if not lines or not lines[0].startswith("#!"):
        return "This does not look like a batch script.  The first line must start with #! followed by the path"
    found = {}
    for line in lines[1:]:
        if line.strip() and not line.startswith("#"):
            break
        if line.startswith("#SBATCH"):
            match = re.fullmatch(r"#SBATCH --([a-z-]+)(?:=(\S+))?", line)
            if match is None or match[1] not in OPTIONS:
                return f"unrecognized option '{line.removeprefix('#SBATCH').strip()}'"
            found[match[1]] = match[2] or ""
    if found.get("partition", "gpu") not in PARTITIONS:
        return f"invalid partition specified: {found['partition']}"
    if not re.fullmatch(r"(\d+-)?\d+(:\d+){0,2}", found.get("time", "1")):
        return "Invalid --time specification"
    return found


def sbatch(arguments: list[str]) -> int:
    if arguments != ["--parsable"]:
        return error("sbatch", "unrecognized option")
    if (FOLDER / "refuse").exists():
        return error("sbatch", f"Batch job submission failed: {(FOLDER / 'refuse').read_text()}")
    script = sys.stdin.read()
    options = parsed(script)
    if isinstance(options, str):
        return error("sbatch", options)
    number = next(n for n in range(100, 10_000) if claimed(n))
    (FOLDER / f"{number}.sh").write_text(script)
    record = {"name": options["job-name"], "comment": options["comment"], "options": options, "state": "PENDING"}
    write(number, record)
    if not (FOLDER / "pending").exists():
        line = [sys.executable, __file__, "run", str(number)]
        null = subprocess.DEVNULL
        subprocess.Popen(line, start_new_session=True, stdin=null, stdout=null, stderr=null)
    if (FOLDER / "lost").exists():
        return error("sbatch", "Batch job submission failed: Socket timed out on send/recv operation")
    print(number)
    return 0


def claimed(number: int) -> bool:
    try:
        (FOLDER / f"{number}.lock").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def write(number: int, record: dict) -> None:
    fresh = FOLDER / f".{number}.{os.getpid()}"
    fresh.write_text(json.dumps(record))
    os.replace(fresh, FOLDER / f"{number}.json")


def run(number: int) -> None:
    """What slurmd does with a job."""
    record = json.loads((FOLDER / f"{number}.json").read_text())
    environment = {**os.environ, "SLURM_JOB_ID": str(number), "SLURM_JOB_NODELIST": "node-[1-2]", "SLURM_NODEID": "0"}
    with open(record["options"]["output"], "ab") as log:
        process = subprocess.Popen(["bash", FOLDER / f"{number}.sh"], stdout=log, stderr=log, env=environment)
        write(number, {**record, "state": "RUNNING", "pid": process.pid})
        code = process.wait()
    cancelled = (FOLDER / f"cancelled-{number}").exists()
    state = "CANCELLED by 1000" if cancelled else "COMPLETED" if code == 0 else "FAILED"
    write(number, {**record, "state": state, "pid": process.pid})


def jobs(arguments: list[str]) -> dict[int, dict]:
    wanted = dict(argument.removeprefix("--").split("=", 1) for argument in arguments if "=" in argument)
    found = {int(file.stem): json.loads(file.read_text()) for file in FOLDER.glob("[0-9]*.json")}
    if "name" in wanted:
        found = {number: job for number, job in found.items() if job["name"] == wanted["name"]}
    if "jobs" in wanted:
        found = {number: job for number, job in found.items() if str(number) == wanted["jobs"]}
    return found


def main() -> int:
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    if arguments[:1] == ["run"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        run(int(arguments[1]))
    elif program == "sbatch":
        return sbatch(arguments)
    elif program == "squeue":
        assert "--format=%i|%T|%r" in arguments
        found = jobs(arguments)
        if (FOLDER / "forget").exists():
            found = {number: job for number, job in found.items() if job["state"] in ("PENDING", "RUNNING")}
            if not found and any(argument.startswith("--jobs") for argument in arguments):
                print("slurm_load_jobs error: Invalid job id specified", file=sys.stderr)
                return 1
        for number, job in found.items():
            reason = "Priority" if job["state"] == "PENDING" else "None"
            print(f"{number}|{job['state'].split()[0]}|{reason}")
    elif program == "sacct":
        assert "--format=JobID,State,Reason" in arguments
        for number, job in jobs(arguments).items():
            print(f"{number}|{job['state']}|None")
    elif program == "scontrol":
        assert arguments[:2] == ["show", "hostnames"]
        print("node-1\nnode-2")
    elif program == "srun":
        assert arguments[0] == "--kill-on-bad-exit=1"
        os.execvp(arguments[1], arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
