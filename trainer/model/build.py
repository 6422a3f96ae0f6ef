"""The one table of the model's parts: which kinds of heads, objectives and fusions there are.

A new part is a file with its class, and a line here that names the class and the block of its settings. Nothing of a
part is loaded before a configuration names its kind.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from schemas.errors import UsageError
from trainer.blocks import PartSettings

if TYPE_CHECKING:
    from trainer.model.fusion import Fusion
    from trainer.model.heads import Head
    from trainer.model.objectives import Objective

__all__ = ["FUSIONS", "HEADS", "OBJECTIVES", "Part", "part_settings", "settle_head"]

T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[T]):
    """Where the classes of a part are, each as "module:Class".

    Args:
        part: is built from its settings.
        settings: the block of settings. It may stand in the same file, or in one that loads no torch.
    """

    part: str
    settings: str

    def load(self) -> type[T]:
        """Return the class of the part."""
        return _load(self.part)  # type: ignore[no-any-return]

    def load_settings(self) -> type[PartSettings]:
        """Return the class of its settings."""
        return _load(self.settings)  # type: ignore[no-any-return]


_GROUNDING_SETTINGS = "trainer.model.grounding.settings"
HEADS: dict[str, Part[Head]] = {
    "tagging": Part("trainer.model.heads.tagging:TaggingHead", "trainer.model.heads.settings:TaggingSettings"),
    "spans": Part("trainer.model.heads.spans:SpanHead", "trainer.model.heads.settings:SpanSettings"),
    "fine": Part("trainer.model.heads.fine:FineTaggingHead", "trainer.model.heads.settings:FineSettings"),
    "hierarchical": Part(
        "trainer.model.heads.fine:HierarchicalHead", "trainer.model.heads.settings:HierarchicalSettings"
    ),
    "prototype": Part("trainer.model.heads.prototype:PrototypeHead", "trainer.model.heads.settings:PrototypeSettings"),
    "relation": Part("trainer.model.heads.relation:RelationHead", "trainer.model.heads.settings:RelationSettings"),
    "choice": Part("trainer.model.options.choice:ChoiceHead", "trainer.model.options.settings:ChoiceSettings"),
    "grid": Part("trainer.model.heads.grid:GridHead", "trainer.model.heads.settings:GridSettings"),
    "query": Part("trainer.model.heads.query:QueryHead", "trainer.model.heads.settings:QuerySettings"),
    "pointer": Part("trainer.model.heads.pointer:PointerHead", "trainer.model.heads.pointer_settings:PointerSettings"),
    "fine_pointer": Part(
        "trainer.model.heads.pointer:FinePointerHead", "trainer.model.heads.pointer_settings:FinePointerSettings"
    ),
    "joint_pointer": Part(
        "trainer.model.heads.pointer:JointPointerHead", "trainer.model.heads.pointer_settings:JointPointerSettings"
    ),
    "region_pointer": Part(
        "trainer.model.heads.pointer:RegionPointerHead", "trainer.model.heads.pointer_settings:RegionPointerSettings"
    ),
    "regions": Part("trainer.model.grounding.region_head:RegionHead", f"{_GROUNDING_SETTINGS}:RegionSettings"),
    "object_relation": Part(
        "trainer.model.grounding.object_relation:ObjectRelationHead", f"{_GROUNDING_SETTINGS}:ObjectRelationSettings"
    ),
    "auto": Part(
        "", "trainer.model.heads.settings:AutoHeadSettings"
    ),  # the head that is usual for the task of the data
}
_OBJECTIVE_SETTINGS = "trainer.model.objectives.settings"
OBJECTIVES: dict[str, Part[Objective]] = {
    "two_view_kl": Part(
        "trainer.model.objectives.two_view:TwoViewDivergence", f"{_OBJECTIVE_SETTINGS}:TwoViewSettings"
    ),
    "transport": Part(
        "trainer.model.objectives.transport:TransportObjective", f"{_OBJECTIVE_SETTINGS}:TransportSettings"
    ),
    "adaptive_contrast": Part(
        "trainer.model.objectives.pictures:AdaptiveContrast",
        "trainer.model.objectives.picture_settings:AdaptiveContrastSettings",
    ),
    "soft_prompts": Part(
        "trainer.model.objectives.soft_prompts:SoftPrompts",
        "trainer.model.objectives.picture_settings:SoftPromptsSettings",
    ),
    "view_l2": Part("trainer.model.objectives.two_view:ViewDistance", f"{_OBJECTIVE_SETTINGS}:ViewDistanceSettings"),
    "self_distil": Part(
        "trainer.model.objectives.distil:SelfDistillation", f"{_OBJECTIVE_SETTINGS}:SelfDistilSettings"
    ),
    "contrast": Part("trainer.model.objectives.contrast:Contrast", f"{_OBJECTIVE_SETTINGS}:ContrastSettings"),
    "matching": Part("trainer.model.objectives.contrast:Matching", f"{_OBJECTIVE_SETTINGS}:MatchingSettings"),
    "shapley": Part("trainer.model.objectives.shapley:ShapleyContrast", f"{_OBJECTIVE_SETTINGS}:ShapleySettings"),
    "bottleneck": Part("trainer.model.objectives.bottleneck:Bottleneck", f"{_OBJECTIVE_SETTINGS}:BottleneckSettings"),
}
_FUSION_SETTINGS = "trainer.model.fusion.settings"
FUSIONS: dict[str, Part[Fusion]] = {
    "prefix": Part("trainer.model.fusion.prefix:PrefixFusion", f"{_FUSION_SETTINGS}:PrefixSettings"),
    "appended": Part("trainer.model.fusion.appended:AppendedFusion", f"{_FUSION_SETTINGS}:AppendedSettings"),
    "aligned": Part("trainer.model.fusion.aligned:AlignedFusion", f"{_FUSION_SETTINGS}:AlignedSettings"),
    "gated": Part("trainer.model.fusion.aligned:GatedFusion", f"{_FUSION_SETTINGS}:GatedSettings"),
    "two_way": Part("trainer.model.fusion.two_way:TwoWayFusion", f"{_FUSION_SETTINGS}:TwoWaySettings"),
    "side": Part("trainer.model.fusion.side:SideFusion", f"{_FUSION_SETTINGS}:SideSettings"),
    "experts": Part("trainer.model.fusion.experts:ExpertsFusion", f"{_FUSION_SETTINGS}:ExpertsSettings"),
    "framed": Part("trainer.model.fusion.framed:FramedFusion", f"{_FUSION_SETTINGS}:FramedSettings"),
    "prompts": Part("trainer.model.fusion.prompts:PromptsFusion", f"{_FUSION_SETTINGS}:PromptsSettings"),
    "queries": Part("trainer.model.fusion.prompts:QueriesFusion", f"{_FUSION_SETTINGS}:QueriesSettings"),
    "objects": Part("trainer.model.fusion.objects:ObjectsFusion", f"{_FUSION_SETTINGS}:ObjectsSettings"),
    "scored": Part("trainer.model.fusion.scored:ScoredFusion", f"{_FUSION_SETTINGS}:ScoredSettings"),
    "captioned": Part("trainer.model.fusion.scored:CaptionedFusion", f"{_FUSION_SETTINGS}:CaptionedSettings"),
    "edges": Part("trainer.model.grounding.edges:EdgesFusion", f"{_GROUNDING_SETTINGS}:EdgesSettings"),
    "previous": Part("trainer.model.grounding.previous:PreviousFusion", f"{_GROUNDING_SETTINGS}:PreviousSettings"),
}
_USUAL_HEAD = {"ner": "tagging", "re": "relation"}


def _find_part(table: Mapping[str, Part[T]], kind: object, noun: str) -> Part[T]:
    """Return the part of a kind.

    Args:
        table: of this file.
        kind: as a configuration names it.
        noun: of the table, for the error.

    Raises:
        ValueError: there is no such kind; the nearest is named.

    >>> _find_part(HEADS, "taging", "head")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: there is no head of the kind 'taging', did you mean 'tagging'? Kinds: tagging, spans, ...
    """
    part = table.get(kind) if isinstance(kind, str) else None
    if part is None:
        near = difflib.get_close_matches(str(kind), table, n=1)
        hint = f", did you mean {near[0]!r}?" if near else "."
        raise ValueError(f"there is no {noun} of the kind {kind!r}{hint} Kinds: {', '.join(table) or 'none yet'}")
    return part


def part_settings(family: str, kind: object) -> type[PartSettings]:
    """Return the class of the settings of a part.

    Args:
        family: the name of its block in `[model]`: head, objectives or fusion.
        kind: of the part.

    Raises:
        ValueError: there is no such kind.

    >>> part_settings("head", "relation").__name__
    'RelationSettings'
    """
    tables: dict[str, Mapping[str, Part[Any]]] = {"head": HEADS, "objectives": OBJECTIVES, "fusion": FUSIONS}
    return _find_part(tables[family], kind, family.removesuffix("s")).load_settings()


def settle_head(head: PartSettings, task: str) -> PartSettings:
    """Return the settings of the head that a task gets: those given, or for "auto" those of the task's usual head.

    Raises:
        UsageError: no head is usual for the task.

    >>> from trainer.model.heads import AutoHeadSettings
    >>> settle_head(AutoHeadSettings(dropout=0.2), "re")
    RelationSettings(kind='relation', dropout=0.2)
    """
    if head.kind != "auto":
        return head
    if task not in _USUAL_HEAD:
        raise UsageError(f"no head is usual for the task {task}", remedy="set model.head.kind")
    settings = HEADS[_USUAL_HEAD[task]].load_settings()
    names = {item.name for item in fields(settings)} - {"kind"}
    return settings(**{item.name: getattr(head, item.name) for item in fields(head) if item.name in names})


def _load(place: str) -> Any:
    file, _, name = place.partition(":")
    return getattr(import_module(file), name)
