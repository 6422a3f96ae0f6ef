"""What a head is: the part that turns states into labels, and knows the labels as numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from schemas.records import Sample
from trainer.inputs import Answer, Episode, Features, Labels, LabelSet, Window
from trainer.metrics import RecordKey

__all__ = ["Head", "Posterior", "Reading", "View"]


class View(NamedTuple):
    """A batch as a head sees it. B samples, P positions that the head reads, S states, K classes, H dimensions.

    Args:
        states: of the encoder at the positions [B, P, H].
        mask: which positions are there [B, P] bool.
        logits: of the head [B, S, K] float32.
        samples: of the batch. For a loss they have their labels; else all that should be predicted is left out.
        features: of the samples' pictures; None for a run without pictures.
        pieces: states of all pieces of the window [B, L, H], contexts included.
        attention: which pieces are there [B, L] bool.
        look: the share of each column of features in what was read of the picture [B, K]; None where nobody says.
    """

    states: Tensor
    mask: Tensor
    logits: Tensor
    samples: tuple[Sample, ...] = ()
    features: Features | None = None
    pieces: Tensor | None = None
    attention: Tensor | None = None
    look: Tensor | None = None


class Posterior(NamedTuple):
    """Class probabilities.

    Args:
        log_probs: log p(class) [B, S, K]; 0 beyond the mask.
        log_pairs: log p(class of the state before, class) [B, S, K, K]; None where it was not requested, and where the
            states of a sample are no chain.
    """

    log_probs: Tensor
    log_pairs: Tensor | None


class Reading(NamedTuple):
    """What an expert predicts for a batch, or without B for one sample.

    Args:
        log_probs: log posteriors [B, S, K].
        classes: the decoded classes [B, S].
        pooled: the mean state of each sample [B, H].
        log_pairs: as in Posterior.
        answers: of each sample, from a head whose answers say more than its classes; else None.
        look: as in View.
    """

    log_probs: Tensor
    classes: Tensor
    pooled: Tensor
    log_pairs: Tensor | None
    answers: tuple[Answer, ...] | None = None
    look: Tensor | None = None


class Head(nn.Module, ABC):
    """A head of S states per sample: the tokens of a sentence, one state for a pair, the cells of a grid.

    The states of a sample are those that `state_mask` marks, in their order.

    The class methods need no weights: a mixture asks them of the class, with posteriors that were kept on disk.
    """

    kind: ClassVar[str]
    """Its name in the table of `trainer.model.build`."""
    tasks: ClassVar[tuple[str, ...]]
    """The tasks whose samples it reads."""
    key: ClassVar[RecordKey] = "span+type"
    """What of a record it answers; by that, its epochs are compared on dev."""
    has_posterior: ClassVar[bool] = True
    """Whether its states have class probabilities. A head without them cannot join a mixture."""
    says_more: ClassVar[bool] = False
    """Whether its answers say more than its classes (regions, generated records): then they are kept beside them."""
    has_pairs: ClassVar[bool] = False
    """Whether its states are a chain, so that its posterior has pairs."""
    episode: Episode | None = None
    """The shape of its training batches; None where any samples may go together."""

    def __init__(self, labels: LabelSet) -> None:
        super().__init__()
        self.labels = labels

    @classmethod
    def classes_of(cls, labels: LabelSet) -> type[Head]:  # noqa: ARG003 - for heads that answer for more than one task
        """Return the head whose states and classes this one has: experts of one can be mixed."""
        return cls

    @classmethod
    @abstractmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:
        """Return the right classes of all states of a sample; None where it has no labels.

        Raises:
            InputError: a label that is not in the set.
        """

    @classmethod
    @abstractmethod
    def name_classes(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> tuple[str, ...]:
        """Return the labels of a sample, also for what lay beyond its window.

        A head that answers in records has no labels by number: it gives `answer` in their place.
        """

    @classmethod
    def answer(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> Answer:
        """Return what the classes of a sample's states say."""
        named: Labels = cls.name_classes(labels, classes, sample)
        return labels.task.answer(sample, named)

    @classmethod
    def decode_mixed(
        cls,
        labels: LabelSet,  # noqa: ARG003 - for heads whose states are a chain
        log_probs: Tensor,
        log_pairs: Tensor | None,  # noqa: ARG003
        lengths: Sequence[int],  # noqa: ARG003
    ) -> Tensor:
        """Return the classes [M] of mixed posteriors [M, K], and of a chain [M, K, K], of several samples.

        States that are no chain get their likeliest class each.
        """
        return log_probs.argmax(-1)

    def extend(self, reading: Reading, sample: Sample) -> Reading:  # noqa: ARG002 - for heads that read each token
        """Return the reading of one sample with states for the tokens that lay beyond the window."""
        return reading

    def targets(self, sample: Sample, window: Window) -> tuple[int, ...] | None:  # noqa: ARG002
        """Return the right classes of the states that are in a window; None where the sample has no labels."""
        return self.gold_classes(self.labels, sample)

    def state_mask(self, mask: Tensor) -> Tensor:
        """Return which states are there [B, S] bool, from the mask of the positions [B, P]."""
        return mask

    @abstractmethod
    def forward(self, states: Tensor) -> Tensor:
        """Return logits [B, S, K] float32 of states [B, P, H]."""

    def score_states(self, states: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002 - for heads that look around
        """Return logits [B, S, K] float32 of states [B, P, H] that stand in a batch with mask [B, P].

        A head in which states see each other must not see those that are not there.
        """
        return self(states)  # type: ignore[no-any-return]

    @abstractmethod
    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the loss of each sample [B] for targets [B, S]."""

    @abstractmethod
    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> Posterior | None:
        """Return the posteriors of logits divided by a temperature; None from a head that has none."""

    @abstractmethod
    def decode(self, view: View) -> Tensor:
        """Return the classes that are predicted [B, S]."""

    def answers(self, view: View, samples: Sequence[Sample]) -> list[Answer]:
        """Return an answer for each sample of a batch, also for the tokens beyond its window.

        Args:
            view: of the batch.
            samples: of the batch; a head reads their tokens, never their labels.
        """
        rows, there = self.decode(view).cpu(), self.state_mask(view.mask).cpu()
        return [
            self.answer(self.labels, row[states].tolist(), sample)
            for row, states, sample in zip(rows, there, samples, strict=True)
        ]
