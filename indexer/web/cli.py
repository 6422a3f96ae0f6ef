"""The command `mie-index serve`: its options, and the order in which the inspector starts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import InputError, UsageError

__all__ = ["add_serve_command", "serve"]

_PORT = 8765
_EPILOG = """
\b
Examples:
  mie-index serve enwiki
  mie-index serve enwiki --images photos --samples t15 --sample-images t15/images
  mie-index serve enwiki --samples t15 --contexts t15.ctx --run runs/text --run runs/image
  mie-index serve enwiki --samples rocky --sample-images rocky/images --features rocky.features --run runs/regions

\b
The address is printed to stdout when it answers. Without --allow-remote only this machine reaches it.
Exit codes: 2 usage, or an address that cannot be bound; 3 input unusable; 4 index unusable; 5 something is not
installed; 130 ended by Ctrl-C.
"""


def add_serve_command(app: typer.Typer) -> None:
    """Add `serve` to the command line of the index."""
    app.command(epilog=_EPILOG)(serve)


def serve(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="Folder that beam run build_wiki_index made.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder of the index's pictures, under their Commons names.")
    ] = None,
    samples: Annotated[Path | None, typer.Option(help="A folder of mie-train data convert.")] = None,
    sample_images: Annotated[Path | None, typer.Option(help="Folder of the samples' pictures.")] = None,
    contexts: Annotated[list[Path] | None, typer.Option(help="A context cache; may be repeated.")] = None,
    run: Annotated[list[Path] | None, typer.Option(help="A run folder of mie-train; may be repeated.")] = None,
    features: Annotated[
        list[Path] | None, typer.Option(help="A feature store, whose regions are drawn; may be repeated.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")] = _PORT,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let --host be an address that other machines reach.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Write a line for each request to stderr.")] = False,
) -> None:
    """Look at an index, data sets, contexts and runs in the browser; and ask them by JSON."""
    from indexer.index import WikiIndex
    from indexer.web.http import bind, url_of
    from indexer.web.http import serve as serve_app
    from indexer.web.search import TextView

    _check_reach(host, is_allowed=allow_remote)
    _check_given(samples, sample_images, contexts or (), run or (), features or ())
    opened = WikiIndex(index)
    # The order saves time: a taken port is found before anything loads, and Java starts in a thread of its own while
    # this one imports the web framework.
    with closing(bind(host, port)) as listener:
        text = TextView(opened)
        warm = None if opened.manifest.text_index is None else text.warm()
        from indexer.web.app import make_app
        from indexer.web.given import Inspector

        lists = [tuple(given or ()) for given in (contexts, run, features)]
        inspector = Inspector(opened, samples, sample_images, lists[0], lists[1], images, lists[2])
        app = make_app(inspector, host=host, text=text)
        if warm is not None:
            warm.result()  # raises here, before the address is printed, if the text index cannot be opened
        serve_app(app, listener, is_verbose=verbose, ready=lambda: typer.echo(url_of(listener)))


def _check_reach(host: str, *, is_allowed: bool) -> None:
    from indexer.web.http import is_loopback

    if not is_allowed and not is_loopback(host):
        raise UsageError(
            f"other machines could reach {host}: they can read what is shown, and keep this one busy",
            remedy="leave out --host, or add --allow-remote",
        )


def _check_given(
    samples: Path | None,
    sample_images: Path | None,
    contexts: Sequence[Path],
    runs: Sequence[Path],
    features: Sequence[Path],
) -> None:
    """Check that each folder is of its kind, before anything loads; pages read the files in it later."""
    from schemas.context_cache import read_cache
    from schemas.dataset import read_dataset
    from schemas.feature_store import read_store

    if sample_images is not None and not sample_images.is_dir():
        raise UsageError("there is no such folder of pictures", path=sample_images)
    if samples is None and (contexts or sample_images or features):
        raise UsageError("contexts, pictures or features of samples without the samples", remedy="add --samples FOLDER")
    if samples is not None:
        read_dataset(samples)
    for cache in contexts:
        read_cache(cache)
    for store in features:
        read_store(store)
    for folder in runs:
        if not any((folder / name).is_file() for name in ("config.toml", "mixture.json")):
            raise InputError("no run here", path=folder, remedy="give a folder of mie-train fit or moe")
