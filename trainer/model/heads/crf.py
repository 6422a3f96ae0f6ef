"""The linear-chain CRF: likelihood by pytorch-crf, posteriors and Viterbi of our own in float32; and mixed chains.

With start s, transitions A, logits l and end e, the score of tags y is

    s(y1) + l1(y1) + A(y1, y2) + l2(y2) + ... + A(yn-1, yn) + ln(yn) + e(yn)

alpha_i(k) is the log sum over all beginnings that end in tag k at token i; beta_i(k) that over all ends after it:

    token      1 ... i-1      i      i+1 ... n
               alpha_i(k) = l_i(k) + logsum_j [alpha_i-1(j) + A(j, k)]
                              beta_i(k) = logsum_j [A(k, j) + l_i+1(j) + beta_i+1(j)]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torchcrf import CRF

__all__ = ["LinearChain", "likeliest_path", "sound_transitions"]

_FORBIDDEN = -1e4
"""The score of a forbidden step: far below any real score, and finite, as differences of infinities are nan."""


class LinearChain(nn.Module):
    """Scores of tag sequences. B samples, T tokens, K tags; mask is true on tokens, which stand to the left."""

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.crf = CRF(tags, batch_first=True)

    def log_likelihood(self, logits: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Return log p(tags) [B] of tags [B, T] int64 under logits [B, T, K]."""
        return self.crf(logits.float(), tags, mask, reduction="none")  # type: ignore[no-any-return]

    def log_partition(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return log Z [B] of logits [B, T, K]."""
        alphas, taken = self._alphas(logits.float(), mask)
        return torch.logsumexp(alphas[-1] + self.crf.end_transitions, dim=-1) + taken

    def log_marginals(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return log p(tag of token i = k) [B, T, K] by forward-backward, vectorised over the batch; 0 beyond the mask.

        Both passes subtract their largest score at each step and so stay near 0, which float32 needs in long sentences.
        The subtracted score is the same for all tags of a token, so that the softmax over the tags cancels it.

        Source: log q_i(k) = alpha_i(k) + beta_i(k) - log Z (Rabiner, Proc. IEEE 1989).
        """
        logits = logits.float()
        alphas = torch.stack(self._alphas(logits, mask)[0], dim=1)  # [B, T, K]
        betas = torch.stack(self._betas(logits, mask), dim=1)  # [B, T, K]
        return torch.log_softmax(alphas + betas, dim=-1).masked_fill(~mask[:, :, None], 0.0)

    def log_pair_marginals(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return log p(tag of token i - 1 = j, tag of token i = k) [B, T, K, K]; 0 beyond the mask.

        The first token has no tag before it: all j get the same share, so that the sum over j is its marginal.

        Source: log q_i(j, k) = alpha_{i-1}(j) + transition(j, k) + logit_i(k) + beta_i(k) - log Z (Rabiner, as above).
        """
        logits = logits.float()
        alphas = torch.stack(self._alphas(logits, mask)[0], dim=1)  # [B, T, K]
        into = logits + torch.stack(self._betas(logits, mask), dim=1)  # [B, T, K]
        first = (self.crf.start_transitions + into[:, :1])[:, :, None, :].expand(-1, -1, logits.shape[2], -1)
        later = alphas[:, :-1, :, None] + self.crf.transitions + into[:, 1:, None, :]
        scores = torch.cat([first, later], dim=1)  # [B, T, K, K]
        return scores.flatten(2).log_softmax(-1).view_as(scores).masked_fill(~mask[:, :, None, None], 0.0)

    @torch.no_grad()
    def decode(self, logits: Tensor, mask: Tensor, allowed: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Return the best tag sequences [B, T] int64; 0 beyond the mask.

        Args:
            logits: [B, T, K].
            mask: [B, T] bool.
            allowed: from `sound_transitions`: which tags may begin [K], and which may follow which [K, K].
        """
        start, steps, end = self.crf.start_transitions, self.crf.transitions, self.crf.end_transitions
        if allowed is not None:
            start = start.masked_fill(~allowed[0], _FORBIDDEN)
            steps = steps.masked_fill(~allowed[1], _FORBIDDEN)
        logits = logits.float()
        return _best_path(mask, start + logits[:, 0], lambda i: steps + logits[:, i, None, :], end)

    def _alphas(self, logits: Tensor, mask: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the forward scores [B, K] of each token without what was subtracted, and the sum of that [B]."""
        alpha = self.crf.start_transitions + logits[:, 0]  # [B, K]
        taken = torch.zeros_like(alpha[:, 0])
        alphas = [alpha]
        for i in range(1, logits.shape[1]):
            step = torch.logsumexp(alpha[:, :, None] + self.crf.transitions, dim=1) + logits[:, i]  # [B, K]
            largest = step.detach().amax(dim=1, keepdim=True) * mask[:, i, None]  # [B, 1]
            alpha = torch.where(mask[:, i, None], step - largest, alpha)
            taken = taken + largest[:, 0]
            alphas.append(alpha)
        return alphas, taken

    def _betas(self, logits: Tensor, mask: Tensor) -> list[Tensor]:
        """Return the backward scores [B, K] of each token without what was subtracted."""
        end = self.crf.end_transitions.expand(logits.shape[0], -1)  # [B, K]
        beta = end
        betas = [beta]
        for i in range(logits.shape[1] - 2, -1, -1):
            step = torch.logsumexp(self.crf.transitions + (logits[:, i + 1] + beta)[:, None, :], dim=2)  # [B, K]
            step = step - step.detach().amax(dim=1, keepdim=True)
            beta = torch.where(mask[:, i + 1, None], step, end)
            betas.append(beta)
        return betas[::-1]


@torch.no_grad()
def likeliest_path(log_pairs: Tensor, lengths: Sequence[int], tags: Sequence[str]) -> Tensor:
    """Return the likeliest sound tag sequence of each sentence [M] int64, under the chain with these pair marginals.

    The chain is p(first tag) times all p(tag | tag before). For the marginals of one CRF that is the CRF itself; for a
    mixture of CRFs with the same weights at all tokens it is the first-order chain nearest to it (least KL from it).

    Args:
        log_pairs: of all sentences, one after the other, as from `LinearChain.log_pair_marginals` [M, K, K].
        lengths: tokens of each sentence; they sum to M.
        tags: the K names.
    """
    if not len(log_pairs):
        return log_pairs.new_zeros(0, dtype=torch.long)
    given = log_pairs.float().clamp(min=_FORBIDDEN / 10)
    given = given - given.logsumexp(-1, keepdim=True)  # log p(tag | tag before)
    rows = nn.utils.rnn.pad_sequence(list(torch.split(given, list(lengths))), batch_first=True)  # [B, T, K, K]
    mask = torch.arange(rows.shape[1]) < torch.tensor(lengths)[:, None]
    begin, follow = (torch.where(allowed, 0.0, _FORBIDDEN) for allowed in sound_transitions(tags))
    return _best_path(mask, rows[:, 0, 0] + begin, lambda i: rows[:, i] + follow, torch.zeros(len(tags)))[mask]


def _best_path(mask: Tensor, start: Tensor, steps: Callable[[int], Tensor], end: Tensor) -> Tensor:
    """Viterbi: the best sequences [B, T], 0 beyond the mask [B, T].

    Args:
        mask: of the tokens.
        start: scores of the first tag [B, K].
        steps: returns for token i the scores of each tag after each tag of the token before [B, K, K].
        end: scores of the last tag [K].
    """
    batch, tags = start.shape
    stay = torch.arange(tags, device=start.device).expand(batch, tags)  # [B, K]
    score = start
    back: list[Tensor] = []
    for i in range(1, mask.shape[1]):
        best, came_from = (score[:, :, None] + steps(i)).max(dim=1)  # [B, K] each
        on = mask[:, i, None]
        score = torch.where(on, best, score)
        back.append(torch.where(on, came_from, stay))
    tag = (score + end).argmax(dim=-1)  # [B]
    path = [tag]
    for came_from in reversed(back):
        tag = came_from.gather(1, tag[:, None])[:, 0]
        path.append(tag)
    return torch.stack(path[::-1], dim=1).masked_fill(~mask, 0)


def sound_transitions(tags: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return which tags may begin a sentence [K] bool, and which may follow which [K, K] bool (from row to column).

    An I- or E- needs a B- or I- of its type before it. In a set with E- and S-, an entity must also be closed before
    another tag; the end of a sentence may leave it open.

    >>> begin, follow = sound_transitions(["O", "B-PER", "I-PER"])
    >>> begin.tolist(), follow.tolist()
    ([True, True, False], [[True, True, False], [True, True, True], [True, True, True]])
    """
    has_ends = any(tag[:2] in ("E-", "S-") for tag in tags)

    def may_follow(before: str, after: str) -> bool:
        is_inside = after[:2] in ("I-", "E-")
        is_open = before[:2] in ("B-", "I-")
        same = before[2:] == after[2:]
        if is_inside:
            return is_open and same
        return not (has_ends and is_open)

    begin = torch.tensor([tag[:2] not in ("I-", "E-") for tag in tags])
    follow = torch.tensor([[may_follow(before, after) for after in tags] for before in tags])
    return begin, follow
