# The one image of every host: driver, workers, and the pods of infra/kubernetes (docs/hosts.md).
#   docker build --file infra/images/worker.Dockerfile --tag REGISTRY/gristmill:0.1.0 .
# Everything is installed here: a worker starts without pip and without a network.
FROM python:3.11-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Debian keeps only the newest of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ maven openjdk-17-jdk-headless \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/gristmill
# fastText is compiled with -march=native by default, and would crash on an older CPU than this one.
ENV PATH=/opt/gristmill/bin:$PATH CXXFLAGS="-O3 -march=x86-64-v2"
WORKDIR /source
COPY pyproject.toml constraints.txt README.md ./
COPY filters filters
COPY gristmill gristmill
COPY infra infra
COPY pipelines pipelines
COPY tokenizer tokenizer
COPY trainer trainer
RUN pip install --no-cache-dir --constraint constraints.txt '.[spark,s3,gs]'
# Job servers, every jar checked against its pinned sha256; then kernels, compiled for where they will lie and for any CPU
# since 2013: numba takes no loop that was compiled for another than it is told of.
ENV GRISTMILL_CACHE=/opt/cache NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=""
WORKDIR /
RUN gristmill cluster spark prepare \
    && gristmill cluster flink prepare \
    && gristmill demo --out /tmp/demo --steps 1 \
    && rm -rf /tmp/demo /tmp/demo.yaml

FROM python:3.11-slim-bookworm
# Debian keeps only the newest of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home gristmill
COPY --from=build /opt /opt
ENV PATH=/opt/gristmill/bin:$PATH \
    GRISTMILL_CACHE=/opt/cache \
    NUMBA_CPU_NAME=x86-64-v3 \
    NUMBA_CPU_FEATURES="" \
    SPARK_HOME=/opt/gristmill/lib/python3.11/site-packages/pyspark \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/gristmill
CMD ["python", "-m", "gristmill.infra.worker_pool", "--host", "127.0.0.1", "--port", "50000"]
