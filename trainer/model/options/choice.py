"""The head of choices: each option of a question is read behind the sentence, and one number says how well it fits.

[CLS] sentence with markers [SEP] Ann and Bob are a couple [SEP]   ->  begin, head, tail [3 H] -> score
[CLS] sentence with markers [SEP] Ann was born in Bob      [SEP]   ->  begin, head, tail [3 H] -> score
                                                   softmax over the options: p(relation), exact
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from schemas.dataset import NO_RELATION
from schemas.records import Sample
from trainer.inputs import LabelSet, find_specials, piece_ids
from trainer.model.formats import ChoicesFormat, FormatLabels, make_format
from trainer.model.heads import Head, PairHead, RelationHead, View
from trainer.model.options.settings import ChoiceSettings

__all__ = ["ChoiceHead", "Options"]

_NEVER = -1e9
"""Score of an option that is not read."""


class Options(NamedTuple):
    """Windows with an option behind each: N of them, of the B samples of a batch.

    Args:
        ids, attention: [N, L'] int64, bool.
        rows: the sample of each [N].
        classes: the class that each option stands for [N].
    """

    ids: Tensor
    attention: Tensor
    rows: Tensor
    classes: Tensor


class ChoiceHead(PairHead):
    """One relation, as the option that fits best; a pair of one span twice is asked for its type.

    Which options there are, and their words, hang on the labels of the data set and the names of the pair alone.

    Source: OSU-NLP-Group/MQA: the questions. There a language model answers with a letter.
    """

    kind = "choice"

    def __init__(self, hidden: int, labels: LabelSet, settings: ChoiceSettings) -> None:
        super().__init__(hidden, labels, settings)
        self.settings = settings
        self.norm = nn.LayerNorm(3 * hidden)
        self.score = nn.Sequential(nn.Linear(3 * hidden, hidden), nn.GELU(), nn.Linear(hidden, 1))
        relations = tuple(name for name in labels.names if name != NO_RELATION)
        format_ = make_format("choices", FormatLabels((), (), relations))
        assert isinstance(format_, ChoicesFormat)
        self.format = format_

    @classmethod
    def classes_of(cls, labels: LabelSet) -> type[Head]:  # noqa: ARG003 - there is one task
        """Return the usual head of relations: both have a probability for each of them."""
        return RelationHead

    def ask(
        self, samples: Sequence[Sample], targets: Tensor | None, ids: Tensor, attention: Tensor, tokenizer: Any
    ) -> Options:
        """Return each window with each option behind it.

        Args:
            samples: of the batch; their pairs and tokens are read, never their labels.
            targets: right classes [B, 1] in training, where only the right option and some others are read; None reads
                all options.
            ids: windows [B, L].
            attention: which pieces are there [B, L] bool.
            tokenizer: of the encoder.
        """
        end = find_specials(tokenizer).end
        rows, classes, texts = [], [], []
        for row, sample in enumerate(samples):
            question = self.format.ask(sample)
            labels = [label or NO_RELATION for label in question.labels]
            known = dict(zip(labels, question.options, strict=True))
            for number in self._drawn(len(self.labels.names), None if targets is None else int(targets[row, 0])):
                rows.append(row)
                classes.append(number)
                texts.append(known[self.labels.names[number]])
        kept = [window[there].tolist() for window, there in zip(ids, attention, strict=True)]
        options = piece_ids(tokenizer, texts)
        most = self.settings.option_pieces - len(end)
        windows = [torch.tensor([*kept[row], *option[:most], *end]) for row, option in zip(rows, options, strict=True)]
        padded = nn.utils.rnn.pad_sequence(windows, batch_first=True, padding_value=int(tokenizer.pad_token_id or 0))
        lengths = torch.tensor([len(window) for window in windows])
        inside = torch.arange(padded.shape[1])[None] < lengths[:, None]
        device = ids.device
        return Options(
            padded.to(device), inside.to(device), torch.tensor(rows).to(device), torch.tensor(classes).to(device)
        )

    def _drawn(self, count: int, right: int | None) -> list[int]:
        """Return the classes whose options are read: all, or in training the right one, none, and others at random."""
        most = self.settings.drawn_options
        if right is None or not most or most >= count:
            return list(range(count))
        always = dict.fromkeys([right, *(n for n, name in enumerate(self.labels.names) if name == NO_RELATION)])
        others = [number for number in torch.randperm(count).tolist() if number not in always]
        return sorted([*always, *others][:most])

    def read_options(self, options: Options, states: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [B, 1, K], and the mean states of the markers [B, 2, H].

        Args:
            options: of the batch.
            states: of their windows [N, L', H].
            positions: of the opening markers in the windows of the batch [B, 2].
        """
        places = positions[options.rows]  # [N, 2]
        markers = states.gather(1, places[:, :, None].expand(-1, -1, states.shape[-1]))  # [N, 2, H]
        vectors = torch.cat([states[:, 0], markers.flatten(1)], -1)  # [N, 3 H]
        scores = self.score(self.dropout(self.norm(vectors)))[:, 0].float()
        logits = scores.new_full((len(positions), len(self.labels.names)), _NEVER)
        logits = logits.index_put((options.rows, options.classes), scores)
        counts = torch.bincount(options.rows, minlength=len(positions)).clamp(min=1)
        summed = markers.new_zeros(len(positions), *markers.shape[1:]).index_add(0, options.rows, markers)
        return logits[:, None, :], summed / counts[:, None, None].to(summed.dtype)

    def forward(self, states: Tensor) -> Tensor:
        """Return no scores [B, 1, K]: those of options are made of windows of their own."""
        return states.new_full((len(states), 1, len(self.labels.names)), _NEVER).float()

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the cross entropy among the options that were read [B]."""
        return nn.functional.cross_entropy(view.logits[:, 0], targets[:, 0], reduction="none")
