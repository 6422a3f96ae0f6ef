"""ProdLDA: a network gives a bag of words its mixture of topics, and a product of topics gives back the words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

__all__ = ["ProdLda", "fit_topics", "gaussian_kl", "reconstruction", "to_bags", "topic_words"]

_HIDDEN, _DROPOUT, _BATCH, _LR, _BETAS = 100, 0.2, 200, 2e-3, (0.99, 0.999)
"""Source: the authors' code: 100 units twice, dropout 0.2, batches of 200, Adam at 0.002 with a momentum of 0.99."""


class ProdLda(nn.Module):
    """K topics over V words."""

    prior_variance: float

    def __init__(self, words: int, topics: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(words, _HIDDEN), nn.Softplus(), nn.Linear(_HIDDEN, _HIDDEN), nn.Softplus(), nn.Dropout(_DROPOUT)
        )
        self.mean = nn.Sequential(nn.Linear(_HIDDEN, topics), nn.BatchNorm1d(topics, affine=False))
        self.log_variance = nn.Sequential(nn.Linear(_HIDDEN, topics), nn.BatchNorm1d(topics, affine=False))
        self.topics = nn.Linear(topics, words, bias=False)
        self.norm = nn.BatchNorm1d(words, affine=False)
        self.prior_variance = 1 - 1 / topics  # Laplace's approximation of a Dirichlet with alpha = 1

    def forward(self, bags: Tensor) -> Tensor:
        """Return minus the ELBO of each bag [B, V] in nats [B]."""
        hidden = self.layers(bags)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
        shares = (mean + (log_variance / 2).exp() * noise).softmax(-1)
        log_words = self.norm(self.topics(shares)).log_softmax(-1)
        return reconstruction(bags, log_words) + gaussian_kl(mean, log_variance, self.prior_variance)

    @torch.no_grad()
    def shares(self, bags: Tensor) -> Tensor:
        """Return the share of each topic in each bag [B, K]; a bag's shares do not depend on the other bags."""
        self.eval()
        shares: Tensor = self.mean(self.layers(bags)).softmax(-1)
        return shares


def reconstruction(bags: Tensor, log_words: Tensor) -> Tensor:
    """Return -log p of the words of each bag [B], for counts [B, V] and log p of each word [B, V].

    >>> bags = torch.tensor([[2.0, 1.0, 0.0, 0.0]])
    >>> reconstruction(bags, torch.full((1, 4), 0.25).log())  # 3 log 4
    tensor([4.1589])
    """
    return -(bags * log_words).sum(-1)


def gaussian_kl(mean: Tensor, log_variance: Tensor, prior_variance: float) -> Tensor:
    """Return KL(N(mean, variance) || N(0, prior_variance)) in nats, summed over the last dimension.

    >>> float(gaussian_kl(torch.zeros(2), torch.full((2,), 0.5).log(), 0.5))
    0.0
    """
    ratio = log_variance.exp() / prior_variance
    return 0.5 * (ratio + mean.square() / prior_variance - 1 - ratio.log()).sum(-1)


def to_bags(texts: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> Tensor:
    """Return how often each word of a vocabulary stands in each text [B, V] float32."""
    numbers = {word: number for number, word in enumerate(vocabulary)}
    bags = torch.zeros(len(texts), len(vocabulary))
    for row, words in enumerate(texts):
        for word in words:
            if word in numbers:
                bags[row, numbers[word]] += 1
    return bags


def fit_topics(
    bags: Tensor, topics: int, epochs: int, seed: int, progress: Callable[[int], object] = lambda _: None
) -> tuple[ProdLda, float]:
    """Fit topics to bags [N, V], those without words left out.

    Args:
        bags: of the training samples.
        topics: K.
        epochs: over the bags.
        seed: of the weights, the order and the noise.
        progress: called with the number of each epoch, from 0.

    Returns:
        the fitted network, and the mean ELBO of the bags after the last epoch, in nats.
    """
    bags = bags[bags.sum(1) > 0]
    batch = min(_BATCH, max(16, len(bags) // 20))  # a small set has 20 steps an epoch all the same
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ProdLda(bags.shape[1], topics)
        nn.init.xavier_uniform_(model.topics.weight)
        optimizer = torch.optim.Adam(model.parameters(), lr=_LR, betas=_BETAS)
        for epoch in range(epochs):
            progress(epoch)
            for part in torch.split(torch.randperm(len(bags)), batch):
                if len(part) < 2:  # the variance of one row is not known
                    continue
                model(bags[part]).mean().backward()
                optimizer.step()
                optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        elbo = -float(torch.cat([model(part) for part in torch.split(bags, _BATCH)]).mean())
    return model, elbo


def topic_words(model: ProdLda, vocabulary: Sequence[str], count: int) -> list[list[str]]:
    """Return the best words of each topic."""
    with torch.no_grad():
        weights = model.norm(model.topics.weight.T)  # [K, V], as a document of one topic gets them
    return [[vocabulary[i] for i in row.topk(min(count, len(vocabulary))).indices.tolist()] for row in weights]
