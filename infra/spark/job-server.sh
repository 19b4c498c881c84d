#!/usr/bin/env bash
# Beam's job server on a Spark cluster with a resource manager, in client mode: this machine is the driver (docs/hosts.md).
#
#   HADOOP_CONF_DIR=/etc/hadoop/conf infra/spark/job-server.sh --master yarn --num-executors 8
#   gristmill run recipe.yaml --out s3://bucket/run --runner spark --workers 8 -- \
#     --job_endpoint=localhost:8099 --environment_type=EXTERNAL --environment_config=localhost:50000
#
# Every option is spark-submit's. On every host that may get an executor runs a worker pool:
#   python -m gristmill.infra.worker_pool --host 127.0.0.1 --port 50000
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mapfile -t known < <(python - <<'PYTHON'
from gristmill.pipelines.runners.portable.engines import SPARK, class_path, executor_jars, find_spark, java_opens

print(find_spark(), class_path(SPARK), ",".join(executor_jars(SPARK)), " ".join(java_opens()), sep="\n")
PYTHON
)
((${#known[@]} == 4)) || exit 6
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"${known[0]}/bin/spark-submit" \
  --deploy-mode client \
  --properties-file "$here/spark-defaults.conf" \
  --driver-memory 2g \
  --driver-class-path "${known[1]}" \
  --driver-java-options "${known[3]} -Djava.io.tmpdir=$scratch" \
  --jars "${known[2]}" \
  --class org.apache.beam.runners.spark.SparkJobServerDriver \
  "$@" \
  "${known[2]%%,*}" \
  --job-host=127.0.0.1 --job-port="${JOB_PORT:-8099}" --artifact-port=0 --expansion-port=-1 \
  --artifacts-dir="$scratch/artifacts"
