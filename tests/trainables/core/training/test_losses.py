"""The losses against their formulas, computed by hand or by torch; and each switched off."""

import math

import pytest
import torch
import torch.nn.functional as F

from trainables.core.config import TrainerConfig
from trainables.core.training.losses import Loss, class_balanced_weights, log_priors

LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 0])
COUNTS = torch.tensor([90, 9, 1])
WEIGHTS = torch.tensor([1.0, 2.0, 0.5, 1.0, 0.2, 1.3])
CPU = torch.device("cpu")


def loss_of(**fields: object) -> Loss:
    return Loss.of(TrainerConfig(num_classes=3, **fields), COUNTS, CPU)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_with_everything_off_it_is_torchs_cross_entropy_to_the_last_bit(smoothing):
    found = loss_of(label_smoothing=smoothing)(LOGITS.bfloat16(), LABELS)
    assert torch.equal(found, torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(LOGITS.bfloat16().float(), LABELS))
    each = F.cross_entropy(LOGITS, LABELS, label_smoothing=smoothing, reduction="none")
    assert torch.equal(loss_of(label_smoothing=smoothing)(LOGITS, LABELS, WEIGHTS), (each * WEIGHTS).mean())


def test_focal_loss_is_that_of_its_formula():
    p = LOGITS.softmax(1)[range(6), LABELS]
    expected = ((1 - p) ** 1.5 * -p.log()).mean()
    assert float(loss_of(loss="focal", focal_gamma=1.5)(LOGITS, LABELS)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_focal_loss_without_focus_is_cross_entropy(weights):
    fields = {"label_smoothing": 0.1, "class_balance_beta": 0.9, "logit_adjustment": 1.0}
    focal = loss_of(loss="focal", focal_gamma=1e-9, **fields)(LOGITS, LABELS, weights)
    assert float(focal) == pytest.approx(float(loss_of(**fields)(LOGITS, LABELS, weights)), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_of_a_certain_answer_has_a_gradient(gamma):
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    loss_of(loss="focal", focal_gamma=gamma)(logits, torch.tensor([0])).backward()
    assert logits.grad.isfinite().all()


def test_classes_are_weighed_by_their_effective_number():
    effective = [(1 - 0.9**count) / (1 - 0.9) for count in (90, 9, 1)]
    inverse = [1 / number for number in effective]
    expected = [3 * one / sum(inverse) for one in inverse]
    assert class_balanced_weights(COUNTS, 0.9).tolist() == pytest.approx(expected, rel=1e-5)
    assert class_balanced_weights(COUNTS, 0.0).tolist() == [1, 1, 1]
    nearly = class_balanced_weights(COUNTS, 1 - 1e-9)
    assert (nearly * COUNTS).tolist() == pytest.approx([nearly[2].item()] * 3, rel=1e-3)


def test_class_weights_are_not_divided_out_again_by_those_of_the_batch():
    found = loss_of(class_balance_beta=0.9)(LOGITS[:1], LABELS[:1])
    plain = F.cross_entropy(LOGITS[:1], LABELS[:1])
    assert float(found) == pytest.approx(float(plain * class_balanced_weights(COUNTS, 0.9)[0]), rel=1e-5)


def test_logits_are_adjusted_by_the_share_of_their_class():
    assert log_priors(COUNTS).exp().tolist() == pytest.approx([0.9, 0.09, 0.01], rel=1e-5)
    expected = F.cross_entropy(LOGITS + 2 * log_priors(COUNTS), LABELS)
    assert float(loss_of(logit_adjustment=2.0)(LOGITS, LABELS)) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("fields", [{"class_balance_beta": 0.99}, {"logit_adjustment": 1.0}], ids=str)
def test_a_class_without_clips_breaks_nothing(fields):
    loss = Loss.of(TrainerConfig(num_classes=3, label_smoothing=0.1, **fields), torch.tensor([8, 2, 0]), CPU)
    assert math.isfinite(loss(LOGITS[:2], torch.tensor([0, 1])))
    weights = class_balanced_weights(torch.tensor([8, 2, 0]), 0.99)
    assert float(weights[:2].mean()) == pytest.approx(1)


@pytest.mark.parametrize(
    "fields",
    [{}, {"label_smoothing": 0.1}, {"loss": "focal"}, {"class_balance_beta": 0.9}, {"logit_adjustment": 1.0}],
    ids=str,
)
def test_the_loss_of_shares_is_the_mean_over_the_classes_by_them(fields):
    shares = torch.tensor([[0.7, 0.2, 0.1]])
    loss = loss_of(**fields)
    alone = [float(loss(LOGITS[:1], torch.tensor([label]))) for label in range(3)]
    expected = sum(share * one for share, one in zip((0.7, 0.2, 0.1), alone, strict=True))
    assert float(loss(LOGITS[:1], shares)) == pytest.approx(expected, rel=1e-5)
