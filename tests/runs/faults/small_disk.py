"""Runs commands on a disk of its own: `python small_disk.py FOLDER MEGABYTES`, a JSON list of steps on stdin.

Mounts a tmpfs of that size on FOLDER in a mount namespace of its own (start it with `unshare -m`, or `unshare -rm`
where not root), which goes with the process. A step is {"free": bytes or null, "line": [...]}: fill the disk until so
much is free (null: empty the filler), then run the line. Prints [{"code", "output"}, ...]; what is on the disk after
step 0 is copied to FOLDER-0, and so on.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path


def main(folder: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)
    results = []
    for number, step in enumerate(json.load(sys.stdin)):
        fill(folder, step["free"])
        done = subprocess.run(step["line"], capture_output=True, text=True, cwd=Path(__file__).parents[3])
        results.append({"code": done.returncode, "output": done.stdout + done.stderr})
        shutil.copytree(folder, f"{folder}-{number}", ignore=shutil.ignore_patterns("filler"))
    print(json.dumps(results))


def fill(folder: Path, free: int | None) -> None:
    (folder / "filler").unlink(missing_ok=True)
    if free is not None:
        there = os.statvfs(folder)
        with (folder / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, there.f_bavail * there.f_frsize - free)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
