"""Ways to make one vector of the two phases' feature vectors.

Attention between two *single* vectors is no attention: a softmax over one key is constantly 1, whatever query and key
are, so their projections receive no gradient and the other phase's value is merely passed on. The paper's Figure 2
read literally is that (``cross-single-token``). The default (``cross``) keeps its projections and every size, and
splits the projected vectors into `GROUPS` groups that are the tokens: each group of features of one phase attends to
the groups of the other, a real softmax over `GROUPS` keys. (Rejected: the positions of the last feature map as
tokens. It needs a map where the paper has vectors, differs from one family of backbones to the next, and
with inputs of 32 pixels it is one position again.)
"""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from mer_di.models.config import Fusion

GROUPS = 8


def attention_weights(query: Tensor, key: Tensor) -> Tensor:
    """Return softmax(Q Kᵀ / √d) over the keys.

    Parameters
    ----------
    query, key : Tensor of float, shape (B, G, d)

    Returns
    -------
    Tensor of float, shape (B, G, G)
        Rows sum to 1.
    """
    return torch.softmax(query @ key.transpose(1, 2) / query.shape[-1] ** 0.5, dim=-1)


class CrossAttention(nn.Module):
    """One direction: what one phase takes from the other, by learned query, key and value.

    Parameters
    ----------
    width : int
        Length D of the vectors.
    groups : int
        Number of tokens that each vector is split into; divides D.
    """

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def weights(self, asking: Tensor, asked: Tensor) -> Tensor:
        """Return the attention of (B, D) to (B, D), shape (B, groups, groups)."""
        return attention_weights(_split(self.query(asking), self.groups), _split(self.key(asked), self.groups))

    def forward(self, asking: Tensor, asked: Tensor) -> Tensor:
        """Return (B, D) from (B, D) and (B, D)."""
        return (self.weights(asking, asked) @ _split(self.value(asked), self.groups)).flatten(1)


class CrossFusion(nn.Module):
    """Attention in both directions, concatenation, projection.

    Parameters
    ----------
    width : int
        Length D of the vectors.
    groups : int
        See `CrossAttention`; 1 is the degenerate literal reading.

    References
    ----------
    Khuong et al., DIANet, 2025, §2.2 and Fig. 2.
    """

    def __init__(self, width: int, groups: int = GROUPS) -> None:
        super().__init__()
        self.first_to_second = CrossAttention(width, groups)
        self.second_to_first = CrossAttention(width, groups)
        self.projection = nn.Linear(2 * width, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return (B, D) from (B, D) and (B, D)."""
        attended = [self.first_to_second(first, second), self.second_to_first(second, first)]
        fused: Tensor = self.projection(torch.cat(attended, dim=1))
        return fused


class SimpleFusion(nn.Module):
    """The rival of the paper's Table 3: dot-product attention without learned projections, and a residual.

    Groups are tokens as in `CrossFusion`, and concatenation and projection are the same, so that the two differ in
    the attention alone.

    Parameters
    ----------
    width : int
        Length D of the vectors; divisible by `GROUPS`.

    References
    ----------
    Khuong et al., DIANet, 2025, §3.7.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(2 * width, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return (B, D) from (B, D) and (B, D)."""
        enhanced = [first + _attend(first, second), second + _attend(second, first)]
        fused: Tensor = self.projection(torch.cat(enhanced, dim=1))
        return fused


class ConcatFusion(nn.Module):
    """No attention: concatenation and projection.

    Parameters
    ----------
    width : int
        Length D of the vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(2 * width, width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return (B, D) from (B, D) and (B, D)."""
        fused: Tensor = self.projection(torch.cat([first, second], dim=1))
        return fused


def build_fusion(name: Fusion, width: int) -> nn.Module:
    """Build a fusion of two vectors of a width by its name in `mer_di.models.Fusion`."""
    if name == "cross-single-token":
        return CrossFusion(width, groups=1)
    return _FUSIONS[name](width)


_FUSIONS: Mapping[str, type[nn.Module]] = MappingProxyType(
    {"cross": CrossFusion, "simple": SimpleFusion, "concat": ConcatFusion}
)


def _split(vectors: Tensor, groups: int) -> Tensor:
    return vectors.reshape(len(vectors), groups, -1)


def _attend(asking: Tensor, asked: Tensor) -> Tensor:
    tokens = _split(asked, GROUPS)
    return (attention_weights(_split(asking, GROUPS), tokens) @ tokens).flatten(1)
