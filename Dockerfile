# Holdfast as an image. One stage builds the wheel with all it carries; the other holds the virtual environment and
# nothing else. What a container needs to start: docs/howto/run-in-a-container.md. `make image-check` runs these
# steps where there is no container engine.

FROM node:22-bookworm-slim AS node

FROM python:3.11-slim-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /build
# What changes seldom comes first: a build after a change of our own code downloads nothing but Python packages.
COPY web/package.json web/package-lock.json web/.npmrc web/
COPY web/packages/client/package.json web/packages/client/
COPY web/packages/react/package.json web/packages/react/
COPY web/apps/sherpa/package.json web/apps/sherpa/
COPY web/apps/console/package.json web/apps/console/
RUN npm --prefix web ci
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY scripts/fetch_speech.py scripts/build_native.py scripts/
RUN python scripts/fetch_speech.py
COPY web web
RUN npm --prefix web run build
COPY pyproject.toml constraints.txt hatch_build.py README.md LICENSE NOTICE ./
COPY src src
RUN python -m venv /opt/holdfast \
    && PIP_BUILD_CONSTRAINT=constraints.txt /opt/holdfast/bin/python -m pip install --no-cache-dir -c constraints.txt '.[otel]' \
    && /opt/holdfast/bin/python -m pip uninstall --yes --quiet pip setuptools

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 holdfast \
    && useradd --system --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin holdfast \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/holdfast /opt/holdfast
COPY scripts/healthcheck.py /opt/holdfast/healthcheck.py
# Everything that is written goes to /data: the rest may be read-only. There is no VOLUME line, because some
# platforms refuse images with one; whoever runs the image mounts /data.
ENV PATH=/opt/holdfast/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/data \
    XDG_CACHE_HOME=/data/cache \
    HOLDFAST_HOST=0.0.0.0 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /data
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s --retries=3 CMD ["python", "/opt/holdfast/healthcheck.py"]
# As the first process it gets SIGTERM itself, finishes sentences (10 s at most), and ends its workers.
ENTRYPOINT ["holdfast"]
CMD ["serve"]
