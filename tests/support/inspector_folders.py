"""The folders that the inspector is tested with: index, pictures, tweets, contexts and runs, made by the commands.

folders = build_folders(tmp_path, photos); with Served(folders.command, folders.root) as served: urlopen(served.url)
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from schemas.dataset import write_dataset
from schemas.records import Sample
from tests.support.commands import mie_index, mie_train
from tests.support.dumps import DumpPage, write_dump
from tests.support.tiny_encoder import PEOPLE, PLACES, build_encoder, make_tweets

__all__ = ["HOSTILE_ID", "HOSTILE_TITLE", "PHOTO", "InspectorFolders", "Served", "build_folders"]

PHOTO = "Ride-s.jpg"
HOSTILE_TITLE = "<script>alert('title')</script>"
HOSTILE_FILE = "Quote\" onerror=\"alert('file').jpg"
HOSTILE_ID = "test-<b>/../x?y#z%41"
LONG_WORD = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
ASTRONAUT = """[[File:Ride-s.jpg|thumb|Sally Ride, the first American woman in space]]
An '''astronaut''' is a person trained to travel in space. Sally Ride was the first American woman in space.
The first astronauts were pilots, and [[rome]] received some of them.

== History ==
Rockets carried astronauts to the Moon. The word comes from Greek words for star and sailor.
"""
HOSTILE = f"""[[File:{HOSTILE_FILE}|thumb|&lt;img src=x onerror=alert('caption')&gt;]]
The villain said &lt;script&gt;alert('sentence')&lt;/script&gt; to everybody. See [[javascript:alert('link')|a link]].

== &lt;img src=x onerror=alert('section')&gt; ==
Villains write {LONG_WORD} without a blank, and "quotes' too &amp;amp; more.
"""
SETTINGS = """
[data]
samples = "tweets"
[encoder]
name = "encoder"
max_length_pieces = 64
[training]
epochs = 4
batch_samples = 8
encoder_lr = 3e-3
head_lr = 1e-2
crf_lr = 1e-2
"""


@dataclass(frozen=True)
class InspectorFolders:
    """The folders that are given to `mie-index serve`."""

    root: Path

    @property
    def photo(self) -> Path:
        """A photo that an article shows."""
        return self.root / "photos" / PHOTO

    @property
    def command(self) -> list[str]:
        """The installed command with all folders."""
        words = ["serve", "wiki", "--images", "photos", "--samples", "tweets", "--sample-images", "tweet-photos"]
        words += ["--contexts", "contexts", "--run", "runs/plain", "--run", "runs/text", "--run", "runs/mixture"]
        return [str(Path(sys.executable).with_name("mie-index")), *words, "--port", "0"]


class Served:
    """The command while it answers; it is ended as Ctrl-C ends it.

    Args:
        command: prints the address when it answers.
        cwd: where it runs.
    """

    def __init__(self, command: list[str], cwd: Path) -> None:
        self.command, self.cwd = command, cwd
        self.log = cwd / "serve.log"

    def __enter__(self) -> Served:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.cwd, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().rstrip("/")
        assert self.url.startswith("http://"), self.log.read_text()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=20)
        finally:
            self.process.kill()
        assert self.process.returncode == 130, self.log.read_text()

    @property
    def port(self) -> int:
        """The port that it took."""
        return int(self.url.rpartition(":")[2])

    def memory_mb(self) -> float:
        """Return its memory, in MB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1000


def build_folders(root: Path, photos: Path) -> InspectorFolders:
    """Build an index, a data set, its contexts, two experts and their mixture.

    Args:
        root: an empty folder.
        photos: pictures under their Commons names, PHOTO among them.
    """
    (root / "photos").mkdir()
    for name in (PHOTO, HOSTILE_FILE):
        shutil.copyfile(photos / PHOTO, root / "photos" / name)
    names = [(name, "person") for name in PEOPLE] + [(name, "big city") for name in PLACES]
    pages = [DumpPage(name, f"{name} is a {kind}. The old {kind} is called {name}.") for name, kind in names]
    pages += [DumpPage("Astronaut", ASTRONAUT), DumpPage(HOSTILE_TITLE, HOSTILE)]
    dump = write_dump(root, pages, "bz2")
    beam = [str(Path(sys.executable).with_name("beam")), "run", "build_wiki_index", "--dump", str(dump)]
    beam += ["--images", "photos", "--encoder", "efficientnet-lite0", "--output", "wiki"]
    built = subprocess.run(beam, cwd=root, capture_output=True, text=True, check=False, timeout=240)
    assert built.returncode == 0, built.stderr
    _write_tweets(root, photos)
    mie_index("retrieve", "tweets", "-i", "wiki", "-o", "contexts", "--images", "tweet-photos", "-k", 3, cwd=root)
    build_encoder(root / "encoder")
    (root / "tiny.toml").write_text(SETTINGS)
    mie_train("fit", "tiny.toml", "-o", "runs/plain", cwd=root)
    mie_train("fit", "tiny.toml", "data.contexts=contexts", "data.sources=text", "-o", "runs/text", cwd=root)
    mie_train("moe", "runs/plain", "runs/text", "-o", "runs/mixture", "--folds", 2, cwd=root)
    mie_train("evaluate", "runs/mixture", cwd=root)
    return InspectorFolders(root)


def _write_tweets(root: Path, photos: Path) -> None:
    (root / "tweet-photos").mkdir()
    shutil.copyfile(photos / PHOTO, root / "tweet-photos" / "ride.jpg")
    samples = {}
    for split, count in (("train", 24), ("dev", 12), ("test", 24)):
        tweets = make_tweets(count, split, 1)
        samples[split] = [replace(tweet, image="ride.jpg" if n == 1 else tweet.image) for n, tweet in enumerate(tweets)]
    tokens = ("anna", "<script>alert('tweet')</script>", "rome")
    samples["test"].append(Sample(HOSTILE_ID, tokens, "ride.jpg", tags=("B-PER", "O", "B-LOC"), split="test"))
    write_dataset(
        root / "tweets", samples, name="<i>tweets</i>", task="ner", labels=["LOC", "PER"], inputs=[], counters={}
    )
