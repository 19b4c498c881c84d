"""python measure.py COMMAND...: run it, then print {"cpu", "wall", "peak_mb"} of its process tree as the last line."""

import json
import resource
import subprocess
import sys
import time

if __name__ == "__main__":
    began = time.perf_counter()
    code = subprocess.call(sys.argv[1:])
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "wall": wall, "peak_mb": used.ru_maxrss / 1024}))
    sys.exit(code)
