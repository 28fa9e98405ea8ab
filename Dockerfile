# The server in a container: docker run -p 4566:4566 -p 4567:4567 fogbank [FLAGS OF fogbank up]
FROM python:3.12-slim AS build
# For what has no wheels on some machines.
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/fogbank && /opt/fogbank/bin/pip install --no-cache-dir ".[postgres]"

FROM python:3.12-slim
COPY --from=build /opt/fogbank /opt/fogbank
COPY container/docker-entrypoint.sh container/gcloud /usr/local/bin/
RUN useradd --create-home --uid 1000 fogbank && install --directory --owner fogbank /var/lib/fogbank
ENV PATH=/opt/fogbank/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FOGBANK_DATA=/var/lib/fogbank
USER fogbank
WORKDIR /home/fogbank
VOLUME /var/lib/fogbank
EXPOSE 4566 4567
HEALTHCHECK --interval=5s --timeout=10s --start-period=10s CMD ["fogbank", "health"]
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
