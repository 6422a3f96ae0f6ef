# One image for two uses: the container of Beam's workers (Beam's boot program stays the entry point), and the commands:
#   docker run --rm --entrypoint beam IMAGE run build_wiki_index --help
# Beam's own image has apache-beam[gcp] in it. The extra dataflow asks for the same again, so that pip holds all of it
# together under our pins; `make check` resolves this set of extras.
FROM apache/beam_python3.11_sdk:2.77.0

WORKDIR /opt/mie-context
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY schemas ./schemas
COPY indexer ./indexer
COPY pipelines ./pipelines
COPY trainer ./trainer
RUN pip install --no-cache-dir --constraint constraints.txt '.[dataflow,gcs,s3]' \
    && useradd --create-home --uid 10001 beam

USER 10001
WORKDIR /home/beam
