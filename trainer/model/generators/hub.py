"""Pretrained models that write: those of transformers from text to text, or from a text on, by folder or name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from schemas.errors import InputError
from trainer.model.generators.pieces import PieceGrammar, prefix_function

__all__ = ["HubGenerator", "Written", "load_generator"]

_FAILURES = (OSError, ValueError, KeyError, RuntimeError)


class Written(NamedTuple):
    """A text that a model wrote, and its log probability; under a grammar, its share among the grammar's texts."""

    text: str
    log_prob: float
    pieces: tuple[int, ...]


class HubGenerator(nn.Module):
    """A pretrained encoder-decoder or causal model: its loss on answers, its likeliest answers, its choice of options.

    Args:
        model: of transformers.
        tokenizer: its own.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.model, self.tokenizer = model, tokenizer
        self.is_causal = not bool(model.config.is_encoder_decoder)

    @property
    def end(self) -> int:
        """The piece after the last one of an answer."""
        return int(self.tokenizer.eos_token_id)

    def loss(self, prompts: Sequence[str], answers: Sequence[str]) -> Tensor:
        """Return -log p(answer | prompt) of each pair [B]."""
        rows = [(self._prompt(prompt), self._answer(answer)) for prompt, answer in zip(prompts, answers, strict=True)]
        return torch.stack([-self._log_prob(prompt, answer) for prompt, answer in rows])

    def choose(self, prompt: str, options: Sequence[str]) -> Tensor:
        """Return the probabilities of options [N]: the softmax of their log likelihoods per piece.

        With the letters of a question as options, it is the softmax of their logits where each is one piece.
        """
        own, rows = self._prompt(prompt), [self._pieces(option) for option in options]
        with torch.no_grad():
            scores = [self._log_prob(own, torch.tensor(row)) / max(1, len(row)) for row in rows]
        return torch.stack(scores).softmax(0)

    @torch.no_grad()
    def write(
        self, prompt: str, grammar: PieceGrammar | None = None, beams: int = 1, longest: int = 200
    ) -> list[Written]:
        """Return the likeliest answers, best first.

        Args:
            prompt: of one sample.
            grammar: of the answer; None writes freely.
            beams: answers that are kept.
            longest: pieces of an answer.
        """
        ids = self._prompt(prompt)[None].to(self.model.device)
        skipped = ids.shape[1] if self.is_causal else 1
        extra: dict[str, Any] = {}
        if grammar is not None:
            extra["prefix_allowed_tokens_fn"] = prefix_function(
                [grammar] * beams if self.is_causal else [grammar], skipped
            )
        found = self.model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), num_beams=beams, num_return_sequences=beams,
            do_sample=False, max_new_tokens=longest, eos_token_id=self.end, pad_token_id=self.tokenizer.pad_token_id,
            **extra,
        )  # fmt: skip
        written = [self._written(row[skipped:], ids[0], grammar) for row in found]
        return sorted(written, key=lambda row: -row.log_prob)

    def _written(self, row: Tensor, prompt: Tensor, grammar: PieceGrammar | None) -> Written:
        pieces = row.tolist()
        pieces = pieces[: pieces.index(self.end) + 1] if self.end in pieces else pieces
        allowed = None
        if grammar is not None:
            allowed = [grammar.allowed(pieces[:i]) for i in range(len(pieces))]
        value = float(self._log_prob(prompt.cpu(), torch.tensor(pieces), allowed))
        return Written(self.tokenizer.decode(pieces, skip_special_tokens=True), value, tuple(pieces))

    def _log_prob(self, prompt: Tensor, answer: Tensor, allowed: Sequence[Sequence[int]] | None = None) -> Tensor:
        """Return the log probability of the pieces of an answer, each among those that are allowed."""
        device = self.model.device
        prompt, answer = prompt.to(device), answer.to(device)
        if self.is_causal:
            logits = self.model(input_ids=torch.cat([prompt, answer])[None]).logits[0, len(prompt) - 1 : -1]
        else:
            begin = torch.tensor([self.model.config.decoder_start_token_id], device=device)
            inputs = torch.cat([begin, answer[:-1]])[None]
            logits = self.model(input_ids=prompt[None], decoder_input_ids=inputs).logits[0]
        logits = logits.float()
        if allowed is not None:
            masked = torch.full_like(logits, float("-inf"))
            for step, pieces in enumerate(allowed):
                masked[step, list(pieces)] = logits[step, list(pieces)]
            logits = masked
        total: Tensor = logits.log_softmax(-1).gather(1, answer[:, None]).sum()
        return total

    def _prompt(self, text: str) -> Tensor:
        return torch.tensor(self.tokenizer(text)["input_ids"], dtype=torch.long)

    def _pieces(self, text: str) -> list[int]:
        return list(self.tokenizer(" " + text, add_special_tokens=False)["input_ids"])

    def _answer(self, text: str) -> Tensor:
        return torch.tensor([*self._pieces(text), self.end], dtype=torch.long)


def load_generator(name: str) -> HubGenerator:
    """Load a model that writes, from a folder or by its name on the model hub; weights from safetensors alone.

    Raises:
        InputError: there is none, or it cannot write.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(name)
        kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        model = kind.from_pretrained(name, use_safetensors=True, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(name)
    except _FAILURES as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"no model that writes can be loaded ({reason})", path=name, remedy="give its folder"
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return HubGenerator(model.eval(), tokenizer)
