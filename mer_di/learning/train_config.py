"""What makes one training differ from another."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from mer_di.errors import InputError
from mer_di.fields import require_fields
from mer_di.learning.model_config import ModelConfig
from mer_di.streams import FlowDirection, Normalization, NormalizedFlow

ClassificationLoss = Literal["cross-entropy", "focal"]
ClassWeights = Literal["none", "balanced", "effective-number"]
Precision = Literal["auto", "float32", "bfloat16"]

_FIXED = (*get_args(NormalizedFlow), *get_args(FlowDirection))

FOCAL_GAMMA = 2.0
EFFECTIVE_BETA = 0.99

OF_OLD: dict[str, Any] = {
    "precision": "float32",
    "apex_jitter": False,
    "focal_gamma": 2.0,
    "effective_beta": 0.99,
    "gender_weight": 1.0,
    "temporal_augmentation": False,
}
"""Parameters that texts of before lack, and what they were then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that changes the result of a training, apart from the samples and the seed.

    What the paper states is the default; where it is silent, the reason of the default stands here.

    Attributes
    ----------
    model : ModelConfig
    normalization : {"unit-weight", "symmetric", "minmax", "l2"}
        See `mer_di.torch_dataset.DynamicImageDataset`. The paper says "normalized"; ``unit-weight`` is the one that
        keeps both "no motion is 0" and how strong an expression is.
    epochs : int
        At most this many; all of them where nothing is set aside for validation.
    batch_size : int
        At least 2. An epoch is cut into batches of equal size, give or take one sample, and none is ever one sample:
        batch normalization cannot work with one, and dropping it would lose a different sample each epoch.
    learning_rate : float
        Of Adam.
    consistency : float
        λ of Eq. 5. The consistency lies within 0..2 and cross-entropy starts at log C ≈ 1.6: 0.1 keeps it an order of
        magnitude smaller, a nudge that cannot buy agreement of the phases at the price of the classes.
    loss : {"cross-entropy", "focal"}
    focal_gamma : float
        γ of the focal loss; 2 is the value that its authors found best (Lin et al., ICCV 2017).
    class_weights : {"none", "balanced", "effective-number"}
    effective_beta : float
        β of the effective number, within [0, 1). Its authors try 0.9 to 0.9999 (Cui et al., CVPR 2019). With the 10 to
        100 clips a class of these databases 0.999 is ``balanced`` in all but name: for classes of 99, 63, 32, 27 and 25
        clips the largest weight over the smallest is 1.08 with 0.9, 2.84 with 0.99, 3.82 with 0.999 and 3.95 with
        0.9999, and 3.96 under ``balanced``.
    gender_weight : float
        λ of the gender of the training subjects, for a network that learns it: ``geme-reconstruction``. 0 learns
        without it.
    flip : bool
        Whether samples are flipped left and right at random.
    rotation : float
        Largest random rotation in degrees, within 0..180.
    patience : int
        Epochs without a smaller validation loss after which training stops. A fifth of the paper's 50 epochs: the
        validation loss of a few dozen clips is noisy, and a shorter wait would stop at its first bump.
    apex_jitter : bool
        Whether a training sample is seen, each time anew, at one of the apexes that its cache holds: its own or one of
        ``mer-di build --apex-jitter``. Validation and test see its own.
    precision : {"auto", "float32", "bfloat16"}
        Of the network within a training step: ``bfloat16`` rounds what layers exchange to 8 significant bits, and is
        faster where the processor computes with it. Parameters, losses, the optimizer, validation and predictions are
        float32 in any case. ``auto`` is what a run decides once, see
        `mer_di.learning.precision_trial.choose_precision`. It is not the default while its cost in accuracy is not
        settled.

    Raises
    ------
    InputError
        If a value is unknown or out of range, or images would be flipped or rotated that cannot be: optical flow after
        ``minmax``, and maps of u and v each by itself.

    References
    ----------
    Khuong et al., DIANet, 2025, §3.1, §3.4, Eq. 5.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    normalization: Normalization = "unit-weight"
    epochs: int = 50
    batch_size: int = 32
    learning_rate: float = 1e-4
    consistency: float = 0.1
    loss: ClassificationLoss = "cross-entropy"
    focal_gamma: float = FOCAL_GAMMA
    class_weights: ClassWeights = "none"
    effective_beta: float = EFFECTIVE_BETA
    gender_weight: float = 1.0
    flip: bool = True
    rotation: float = 10.0
    patience: int = 10
    apex_jitter: bool = False
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        require_fields(self)
        _require_within("epochs", self.epochs, 1, math.inf)
        _require_within("batch_size", self.batch_size, 2, math.inf)
        _require_within("learning_rate", self.learning_rate, math.ulp(0), math.inf)
        _require_within("consistency", self.consistency, 0, math.inf)
        _require_within("focal_gamma", self.focal_gamma, 0, math.inf)
        _require_within("effective_beta", self.effective_beta, 0, math.nextafter(1, 0))
        _require_within("gender_weight", self.gender_weight, 0, math.inf)
        _require_within("rotation", self.rotation, 0, 180)
        _require_within("patience", self.patience, 1, math.inf)
        if self.flip or self.rotation:
            self._require_images_that_turn()

    def _require_images_that_turn(self) -> None:
        if self.model.flow_streams and self.normalization == "minmax":
            raise InputError(
                "normalization is minmax, which moves 'no motion' to another value in each image: after it, optical "
                "flow cannot be flipped or rotated; choose another normalization, or flip=False and rotation=0 "
                "(--no-flip --rotation 0)"
            )
        fixed = [stream for stream in self.model.images_read if stream in _FIXED]
        if fixed:
            raise InputError(
                f"{fixed[0]} is made of u and v, each normalized by itself, and cannot be flipped or rotated "
                "afterwards: train with flip=False and rotation=0 (--no-flip --rotation 0)"
            )

    @property
    def learns_gender(self) -> bool:
        """Whether the genders of training subjects are needed."""
        return self.model.own.learns_gender and self.gender_weight > 0

    @property
    def text(self) -> str:
        """Canonical flat JSON, keys sorted, no spaces: the model's parameters beside the others.

        A file of weights is named by the sha256 of its content, so that a path does not make a difference.
        """
        own = {name: value for name, value in asdict(self).items() if name != "model"}
        return json.dumps(self.model.parameters | own, sort_keys=True, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of `text` in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @classmethod
    def from_text(cls, text: str) -> "TrainConfig":
        """Read a configuration back from its canonical JSON.

        One from before there was a parameter holds what was true then: see `OF_OLD`.

        Raises
        ------
        InputError
            If the text is not the canonical JSON of a configuration of this version.
        """
        try:
            found: dict[str, Any] = OF_OLD | json.loads(text)
            values: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in found.items()
            }
            of_model = {item.name for item in fields(ModelConfig)} & values.keys()
            model = ModelConfig(**{name: values.pop(name) for name in of_model})
            config = cls(model=model, **values)
        except (TypeError, KeyError, ValueError, RecursionError) as error:
            raise InputError(f"the training configuration {text!r} is not one of this version: {error}") from error
        if json.loads(config.text) != found:
            raise InputError(f"the training configuration {text!r} lacks a parameter of this version: {config.text}")
        return config


def _require_within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high or value == math.inf:
        raise InputError(f"{name} is {value}; expected a number within {low}..{high}")
