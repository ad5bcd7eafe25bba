"""What every source of weights promises: each entry of `SOURCES` is tested here, without its file."""

import re

import pytest
import torch
from torch import nn

from trainables.models.backbones import BACKBONES
from trainables.models.cnn import ARCHITECTURES
from trainables.models.published import start
from trainables.models.sources import SOURCES, check_weights, colours_of, is_path, source_of

ENTRIES = [
    pytest.param(name, one, id=f"{name}-{one.backbones[0]}") for name, entries in SOURCES.items() for one in entries
]


@pytest.mark.parametrize(("name", "source"), ENTRIES)
def test_it_is_whole_and_fits_backbones_that_there_are(name, source):
    assert not is_path(name), "a name without a dot or a slash"
    assert source.backbones
    assert set(source.backbones) <= {*BACKBONES, *ARCHITECTURES, "r3d_18"}
    assert re.fullmatch(r"[\w.+-]+\.(safetensors|pth|pt|bin|tar)", source.file)
    assert source.url.startswith(("https://", "http://"))
    assert source.trained_on, "which pictures, or that nobody says"
    assert source.licence, "as whoever publishes it states it, or NOT_STATED"
    assert re.fullmatch(r"[0-9a-f]{0,64}", source.sha256)


@pytest.mark.parametrize(("name", "source"), ENTRIES)
def test_its_colours_are_those_of_a_picture_in_0_to_255(name, source):
    assert sorted(source.colours.order) == ["B", "G", "R"]
    assert all(0 <= value <= 255 for value in source.colours.mean)
    assert all(0 < value <= 255 for value in source.colours.scale)


@pytest.mark.parametrize(("name", "source"), ENTRIES)
def test_its_backbones_take_it_by_name_and_by_the_name_of_its_file(name, source):
    for backbone in source.backbones:
        check_weights(name, backbone)
        assert source_of(name, backbone) is source
        assert source_of(f"/data/{source.file}", backbone) is source
        assert colours_of(name, backbone) == source.colours


@pytest.mark.parametrize(("name", "source"), ENTRIES)
def test_without_its_file_it_says_where_to_put_it_and_where_it_is_from(name, source, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ValueError, match="nothing is downloaded") as caught:
        start(nn.Linear(1, 1), source.backbones[0], name)
    assert str(tmp_path / "checkpoints" / source.file) in str(caught.value)
    assert source.url in str(caught.value)


def test_no_two_entries_claim_one_file_or_one_backbone_under_one_name():
    files = [one.file for entries in SOURCES.values() for one in entries]
    assert len(files) == len(set(files))
    for entries in SOURCES.values():
        named = [backbone for one in entries for backbone in one.backbones]
        assert len(named) == len(set(named))
