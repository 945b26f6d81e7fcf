"""Ways to make one vector of two phases.

A stream is the positions of its backbone's last map, each projected to 512, and its feature vector is their mean. The
paper's Figure 2 has two feature vectors attend to each other. Read literally, each attends to *one* key, and a softmax
over one number is 1, whatever query and key are: they receive no gradient, and all that the block does is to pass on
the other phase's value (``cross-single-token``). The default (``cross``) lets the feature vector of one phase attend
to the positions of the other: "to focus on salient motion cues across both phases" (§2.2). Nothing else differs, and
where attention is even the two are the same function, so training starts near the literal reading and can only become
more selective.

Rejected: eight groups of the 512 features as tokens, which needs no map. Even attention then averages eight unrelated
groups: of 512 features an eighth is left until the attention is learned, and in six epochs on 40 clips the loss fell
from 0.77 to 0.66, against 0.60 for the literal reading and 0.56 for plain concatenation.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from mer_di.errors import InputError
from mer_di.learning.model_config import Fusion


def attention_weights(query: Tensor, keys: Tensor) -> Tensor:
    """Return softmax(K q / √d).

    Parameters
    ----------
    query : Tensor of float, shape (B, d)
    keys : Tensor of float, shape (B, P, d)

    Returns
    -------
    Tensor of float, shape (B, P)
        Rows sum to 1.
    """
    return torch.softmax(torch.einsum("bd,bpd->bp", query, keys) / query.shape[1] ** 0.5, dim=1)


class CrossAttention(nn.Module):
    """What one phase takes from the other, by learned query, key and value.

    Parameters
    ----------
    width : int
        Length D of the vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def weights(self, asking: Tensor, asked: Tensor) -> Tensor:
        """Return the attention of feature vectors (B, D) to positions (B, P, D), shape (B, P)."""
        return attention_weights(self.query(asking), self.key(asked))

    def forward(self, asking: Tensor, asked: Tensor) -> Tensor:
        """Return (B, D) from feature vectors (B, D) and positions (B, P, D)."""
        return _mean(self.weights(asking, asked), self.value(asked))


class CrossFusion(nn.Module):
    """Attention of each phase's feature vector to the other's positions, concatenation, projection.

    Parameters
    ----------
    width : int
        Length D of the vectors.

    References
    ----------
    Khuong et al., DIANet, 2025, §2.2 and Fig. 2.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first_to_second, self.second_to_first = CrossAttention(width), CrossAttention(width)
        self.projection = nn.Linear(2 * width, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return (B, D) from the positions (B, P, D) of both phases.

        Raises
        ------
        InputError
            If there is one position only: attention to it is constantly 1.
        """
        _require_positions(first)
        attended = [self.first_to_second(first.mean(1), second), self.second_to_first(second.mean(1), first)]
        return _projected(self.projection, attended)


class SingleTokenFusion(CrossFusion):
    """The literal reading: the same block, with the other's feature vector as the only position."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return (B, D) from the positions (B, P, D) of both phases."""
        one, other = first.mean(1), second.mean(1)
        attended = [self.first_to_second(one, other[:, None]), self.second_to_first(other, one[:, None])]
        return _projected(self.projection, attended)


class SimpleFusion(nn.Module):
    """The rival of the paper's Table 3: dot-product attention without learned projections, and a residual.

    Positions, concatenation and projection are those of `CrossFusion`, so that the two differ in the attention alone.

    Parameters
    ----------
    width : int
        Length D of the vectors.

    References
    ----------
    Khuong et al., DIANet, 2025, §3.7.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(2 * width, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return (B, D) from the positions (B, P, D) of both phases.

        Raises
        ------
        InputError
            If there is one position only: attention to it is constantly 1.
        """
        _require_positions(first)
        one, other = first.mean(1), second.mean(1)
        enhanced = [
            one + _mean(attention_weights(one, second), second),
            other + _mean(attention_weights(other, first), first),
        ]
        return _projected(self.projection, enhanced)


class ConcatFusion(nn.Module):
    """No attention: feature vectors, concatenation, projection.

    Parameters
    ----------
    width : int
        Length D of the vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(2 * width, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return (B, D) from the positions (B, P, D) of both phases."""
        return _projected(self.projection, [first.mean(1), second.mean(1)])


FUSIONS: Mapping[Fusion, Callable[[int], nn.Module]] = MappingProxyType(
    {"cross": CrossFusion, "cross-single-token": SingleTokenFusion, "simple": SimpleFusion, "concat": ConcatFusion}
)


def _mean(weights: Tensor, positions: Tensor) -> Tensor:
    return torch.einsum("bp,bpd->bd", weights, positions)


def _projected(projection: nn.Module, vectors: list[Tensor]) -> Tensor:
    fused: Tensor = projection(torch.cat(vectors, dim=1))
    return fused


def _require_positions(positions: Tensor) -> None:
    if positions.shape[1] < 2:
        raise InputError(
            "the backbone's last map is one position, and attention to one position is constantly 1; "
            "expected images of more than 32 pixels for most backbones: raise the size, or choose the fusion 'concat'"
        )
