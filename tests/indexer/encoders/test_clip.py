"""Image encoders: the stand-in against its authors' code, local CLIP checkpoints against open_clip, failing fast."""

from __future__ import annotations

import logging
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib import metadata
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from indexer.encoders import ImageEncoder, clip, decode_image, efficientnet, hub, make_encoder
from indexer.encoders.encoder import fingerprint_weights
from indexer.encoders.spec import STAND_IN
from schemas.errors import InputError, MissingDependency, UsageError
from tests.support.clip_architectures import known_architecture

pytestmark = pytest.mark.integration

ARCH = "RN50-quickgelu"
SMALL: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 100, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Torch's threads wait for each other in a loop: on a busy machine two are slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """Five photos that installed packages carry."""
    names = ("astronaut.png", "rocket.jpg", "coins.png", "chelsea.png", "coffee.png")
    try:
        files = metadata.files("scikit-image") or []
    except metadata.PackageNotFoundError:
        pytest.skip("scikit-image is not installed: pip install '.[demo]'")
    paths = [Path(str(file.locate())) for name in names for file in files if file.name == name]
    assert len(paths) == len(names)
    return [decode_image(path.read_bytes()) for path in paths]


@pytest.fixture(scope="module")
def stand_in() -> ImageEncoder:
    try:
        return make_encoder(STAND_IN, device="cpu")
    except MissingDependency as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def small_arch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A CLIP architecture small enough for a test, made known to open_clip."""
    with known_architecture("Test-Small", SMALL, tmp_path_factory.mktemp("archs")) as name:
        yield name


@pytest.fixture(scope="module")
def checkpoint(small_arch: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import open_clip
    from safetensors.torch import save_file

    torch.manual_seed(7)
    model = open_clip.create_model(small_arch)
    path = tmp_path_factory.mktemp("odd:name") / "small.safetensors"
    save_file({name: values.contiguous() for name, values in model.state_dict().items()}, path)
    return path


def test_the_stand_in_gives_unit_vectors(stand_in: ImageEncoder, photos: list[Image.Image]) -> None:
    vectors = stand_in.encode(photos)
    assert vectors.shape == (5, stand_in.dim) == (5, 1280)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert stand_in.encode([]).shape == (0, 1280)
    assert (vectors @ vectors.T)[~np.eye(5, dtype=bool)].max() < 0.7, "five different photos"


def test_the_stand_in_knows_what_photos_show(stand_in: ImageEncoder, photos: list[Image.Image]) -> None:
    """ImageNet: 657 missile, 744 projectile; 285 Egyptian cat, 281 tabby, 282 tiger cat; 967 espresso, 968 cup."""
    model = efficientnet.load_efficientnet_lite0()
    pixels = torch.stack([efficientnet.preprocess(image) for image in photos])
    with torch.inference_mode():
        best = model(pixels).topk(3).indices.tolist()
    assert {657, 744} & set(best[1])
    assert {281, 282, 285} & set(best[3])
    assert {967, 968} & set(best[4])


def test_the_stand_in_equals_its_authors_code(stand_in: ImageEncoder, photos: list[Image.Image]) -> None:
    original = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="efficientnet-lite-pytorch is not installed: pip install '.[test]'"
    )
    with redirect_stdout(StringIO()):
        model = original.EfficientNet.from_pretrained(STAND_IN, weights_path=str(efficientnet._find_weights())).eval()
    pixels = torch.stack([efficientnet.preprocess(image) for image in photos])
    with torch.inference_mode():
        assert torch.allclose(model(pixels), efficientnet.load_efficientnet_lite0()(pixels), atol=1e-4)
        pooled = model.extract_features(pixels).mean(dim=(2, 3)).numpy()
    expected = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    assert np.abs(stand_in.encode(photos) - expected).max() < 1e-5


def test_the_stand_in_reads_the_middle_square_of_any_shape(stand_in: ImageEncoder) -> None:
    image = Image.new("RGB", (800, 256), (10, 200, 30))
    image.paste((200, 30, 10), (272, 0, 528, 256))
    pixels = efficientnet.preprocess(image)
    assert pixels.shape == (3, 224, 224)
    assert torch.allclose(pixels.mean(dim=(1, 2)) * 128 + 127, torch.tensor([200.0, 30.0, 10.0]), atol=0.01)
    shapes = [Image.new("RGB", size, "teal") for size in ((1, 1), (10, 1000), (1000, 10))]
    vectors = stand_in.encode(shapes)
    assert np.allclose(vectors, vectors[0], atol=1e-4)


@pytest.mark.parametrize("which", ["stand_in", "open_clip"])
def test_a_picture_has_one_vector_alone_and_in_a_batch(
    which: str, stand_in: ImageEncoder, checkpoint: Path, small_arch: str, photos: list[Image.Image]
) -> None:
    encoder = stand_in if which == "stand_in" else make_encoder(f"open_clip:{small_arch}:{checkpoint}")
    together = encoder.encode(photos)
    alone = np.concatenate([encoder.encode([photo]) for photo in photos])
    backwards = encoder.encode(photos[::-1])[::-1]
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(together - backwards).max() < 1e-5
    assert np.array_equal(encoder.encode(photos), together)


def test_the_fingerprint_is_the_same_in_another_process(stand_in: ImageEncoder) -> None:
    program = "from indexer.encoders import make_encoder; print(make_encoder('efficientnet-lite0').fingerprint)"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == stand_in.fingerprint
    assert len(stand_in.fingerprint) == 64


def test_the_fingerprint_tells_weights_and_settings_apart_and_not_their_order() -> None:
    one = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0])}
    assert fingerprint_weights(one, {}) == fingerprint_weights(dict(reversed(one.items())), {})
    others: list[tuple[dict[str, torch.Tensor], dict[str, int]]] = [
        (one, {"side": 224}),
        ({"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([4.0])}, {}),
        ({"a": torch.tensor([1.0, 2.0]), "c": torch.tensor([3.0])}, {}),
        ({"a": torch.tensor([[1.0], [2.0]]), "b": torch.tensor([3.0])}, {}),
        ({"a": torch.tensor([1.0, 2.0]).half(), "b": torch.tensor([3.0])}, {}),
    ]
    assert len({fingerprint_weights(*pair) for pair in [(one, {}), *others]}) == 6


def test_a_local_checkpoint_equals_direct_use_of_open_clip(
    small_arch: str, checkpoint: Path, photos: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip

    def no_network(*_: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    encoder = make_encoder(f"open_clip:{small_arch}:{checkpoint}", device="cpu")
    assert (encoder.dim, encoder.spec) == (64, f"open_clip:{small_arch}:{checkpoint}")
    model, _, preprocess = open_clip.create_model_and_transforms(small_arch, pretrained=str(checkpoint))
    with torch.inference_mode():
        direct = model.eval().encode_image(torch.stack([preprocess(p) for p in photos]), normalize=True)
    assert np.abs(encoder.encode(photos) - direct.numpy()).max() < 1e-5


def test_the_same_weights_in_another_file_have_the_same_fingerprint(
    small_arch: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    weights = load_file(checkpoint)
    torch.save(weights, tmp_path / "copy.pt")
    first = make_encoder(f"open_clip:{small_arch}:{checkpoint}")
    monkeypatch.chdir(tmp_path)
    second = make_encoder(f"open_clip:{small_arch}:copy.pt")
    assert second.fingerprint == first.fingerprint
    assert second.spec == f"open_clip:{small_arch}:{tmp_path / 'copy.pt'}", "a relative path is made absolute"
    weights["visual.proj"] = weights["visual.proj"] + 1e-3
    torch.save(weights, tmp_path / "other.pt")
    assert make_encoder(f"open_clip:{small_arch}:other.pt").fingerprint != first.fingerprint


class Harmful:
    """What a pickle can do: run code when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harmed"),))


def test_checkpoints_that_do_not_fit_or_hold_code_are_refused(
    small_arch: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harmful.pt").write_bytes(pickle.dumps({"weights": Harmful()}))
    torch.save({"state_dict": {"w": Harmful()}}, tmp_path / "harmful.bin")
    (tmp_path / "cut.safetensors").write_bytes(checkpoint.read_bytes()[:1000])
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save({"visual.proj": torch.zeros(3)}, tmp_path / "else.pt")
    for name in ("harmful.pt", "harmful.bin", "cut.safetensors", "empty.pt", "else.pt"):
        with pytest.raises(InputError, match="does not load as Test-Small") as caught:
            make_encoder(f"open_clip:{small_arch}:{tmp_path / name}")
        assert caught.value.path == str(tmp_path / name)
    assert not (tmp_path / "harmed").exists()


def test_weights_of_another_size_do_not_load(small_arch: str, checkpoint: Path) -> None:
    with pytest.raises(InputError, match="does not load as RN50"):
        make_encoder(f"open_clip:{ARCH}:{checkpoint}")


def test_wrong_words_are_usage_errors_with_near_names(tmp_path: Path) -> None:
    for spec in ("", "clip", "open_clip", "open_clip:ViT-B-32", "open_clip::openai", "efficientnet-lite1"):
        with pytest.raises(UsageError, match="efficientnet-lite0"):
            make_encoder(spec)
    with pytest.raises(UsageError, match="near names: ViT-B-32"):
        make_encoder("open_clip:ViT-B32:openai")
    with pytest.raises(UsageError, match="near names: openai"):
        make_encoder("open_clip:ViT-B-32:openia")
    with pytest.raises(UsageError, match="no checkpoint"):
        make_encoder(f"open_clip:ViT-B-32:{tmp_path / 'absent.pt'}")
    (tmp_path / "weights.npz").write_bytes(b"PK")
    with pytest.raises(UsageError, match="a checkpoint ends in"):
        make_encoder(f"open_clip:ViT-B-32:{tmp_path / 'weights.npz'}")
    with pytest.raises(UsageError, match="unknown device"):
        make_encoder(STAND_IN, device="tpu")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cached weights, and a hub on this machine's own closed port."""
    from huggingface_hub import constants, file_download

    for module in (constants, file_download):
        monkeypatch.setattr(module, "HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


def expect_missing() -> str:
    start = time.monotonic()
    with pytest.raises(MissingDependency) as caught:
        make_encoder("open_clip:ViT-B-32:openai")
    assert time.monotonic() - start < 10
    assert caught.value.exit_code == 5
    for alternative in ("local checkpoint", ".safetensors", STAND_IN):
        assert alternative in str(caught.value.remedy)
    return str(caught.value)


@pytest.mark.usefixtures("empty_cache")
def test_without_cache_and_hub_a_tag_fails_at_once_with_the_alternatives() -> None:
    assert "the hub is not reachable" in expect_missing()


@pytest.mark.usefixtures("empty_cache")
def test_a_hub_that_does_not_answer_is_waited_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(hub, "HUB_TIMEOUT_S", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "the hub is not reachable" in expect_missing()


@pytest.mark.usefixtures("empty_cache")
def test_offline_mode_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in expect_missing()


@pytest.mark.usefixtures("empty_cache")
def test_cached_weights_of_a_tag_are_used_without_the_hub_and_with_quick_gelu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def note(arch: str, path: Path, settings: dict[str, Any], quick_gelu: bool) -> None:
        seen.update(arch=arch, path=path, settings=settings, quick_gelu=quick_gelu)
        raise InterruptedError

    snapshot = tmp_path / "hub" / "models--timm--vit_base_patch32_clip_224.openai" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "open_clip_model.safetensors").write_bytes(b"")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    monkeypatch.setattr(clip, "_load", note)
    with pytest.raises(InterruptedError):
        make_encoder("open_clip:ViT-B-32:openai")
    assert seen["path"] == snapshot / "open_clip_model.safetensors"
    assert seen["quick_gelu"] is True
    assert seen["settings"]["mean"] == (0.48145466, 0.4578275, 0.40821073)


def test_quick_gelu_changes_the_network_that_is_built(small_arch: str, checkpoint: Path) -> None:
    plain, _ = clip._load(small_arch, checkpoint, {}, False)
    quick, _ = clip._load(small_arch, checkpoint, {}, True)
    kinds = [
        {type(m).__name__ for m in model.visual.modules() if "GELU" in type(m).__name__} for model in (plain, quick)
    ]
    assert kinds == [{"GELU"}, {"QuickGELU"}]


def test_a_local_checkpoint_of_an_architecture_with_two_activations_is_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        clip._warn_of_quick_gelu("ViT-B-32-quickgelu")
        clip._warn_of_quick_gelu("ViT-B-16-SigLIP")
        assert not caplog.records
        clip._warn_of_quick_gelu("ViT-B-32")
    assert "ViT-B-32-quickgelu" in caplog.text
    assert "openai" in caplog.text


def test_a_local_checkpoint_takes_the_preprocessing_of_its_architecture() -> None:
    assert clip._guess_settings("ViT-B-16-SigLIP")["mean"] == (0.5, 0.5, 0.5)
    assert clip._guess_settings("ViT-B-16-SigLIP")["resize_mode"] == "squash"
    assert clip._guess_settings("ViT-B-32")["mean"] == (0.48145466, 0.4578275, 0.40821073)


def test_threads_are_set_when_asked_for(small_arch: str, checkpoint: Path) -> None:
    try:
        make_encoder(f"open_clip:{small_arch}:{checkpoint}", threads=2)
        assert torch.get_num_threads() == 2
        make_encoder(f"open_clip:{small_arch}:{checkpoint}")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_without_the_package_the_stand_in_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "_PACKAGE", "no-such-package-here")
    with pytest.raises(MissingDependency, match="pip install"):
        make_encoder(STAND_IN)


def test_threads_in_one_process_get_the_same_vectors(stand_in: ImageEncoder, photos: list[Image.Image]) -> None:
    expected = stand_in.encode(photos[:2])
    found: list[np.ndarray] = []
    workers = [threading.Thread(target=lambda: found.append(stand_in.encode(photos[:2]))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 3
    assert all(np.abs(vectors - expected).max() < 1e-5 for vectors in found)
