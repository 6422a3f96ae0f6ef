# One image for both uses: Beam's SDK container (its boot program stays the entry point) and the command line:
#   docker run --rm --entrypoint beam IMAGE run build_wiki_index --help
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
