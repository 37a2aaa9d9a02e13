# The image of the scheduled jobs (docs/cloud.md). It holds no secret and no stack's name.
#
#   docker build --tag "$IMAGE" .
#
# No PostgreSQL programs: the tasks speak to the server through psycopg, which brings libpq.

ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS made
WORKDIR /srv
RUN python3 -m venv .venv
ENV PATH=/srv/.venv/bin:$PATH
COPY requirements.txt infra/image/packages.py ./
RUN python packages.py <requirements.txt >needed.txt \
    && pip install --no-cache-dir --disable-pip-version-check --require-hashes -r needed.txt \
    && rm packages.py needed.txt requirements.txt
COPY pyproject.toml README.md LICENSE tasks.py invoke.yaml Pulumi*.yaml ./
COPY ops ops
COPY infra infra
COPY sql sql
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && pip uninstall --yes --quiet pip \
    && python -m compileall -q .venv ops infra tasks.py

FROM ${BASE}
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin runner
COPY --from=made /srv /srv
ENV PATH=/srv/.venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
USER 10001
ENTRYPOINT ["/srv/infra/image/entrypoint"]
CMD ["--list"]
