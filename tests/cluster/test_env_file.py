"""A file of secrets, made of its example: random values, for its owner alone, and never a second time."""

import re

import pytest

from cluster.core import env_file

EXAMPLE = "# Words.\nTOKEN=\nS3_KEY_ID=\nauth_token=\nPORT=8265\n"


@pytest.fixture
def example(tmp_path):
    path = tmp_path / ".env.example"
    path.write_text(EXAMPLE)
    return path


def test_what_has_no_value_gets_a_random_one(example, capsys):
    assert env_file.main([str(example)]) == 0
    target = example.with_name(".env")
    assert target.stat().st_mode & 0o777 == 0o600
    values = dict(re.findall(r"^(\w+)=(.+)$", target.read_text(), re.MULTILINE))
    assert values.pop("PORT") == "8265"
    assert re.fullmatch("GK[0-9a-f]{24}", values.pop("S3_KEY_ID"))
    assert set(values) == {"TOKEN", "auth_token"}
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in values.values())
    assert len(set(values.values())) == 2
    said = capsys.readouterr().out
    assert "3 secrets" in said
    assert not [value for value in values.values() if value in said]


def test_secrets_that_are_there_are_kept(example, capsys):
    example.with_name(".env").write_text("TOKEN=old\n")
    assert env_file.main([str(example)]) == 1
    assert example.with_name(".env").read_text() == "TOKEN=old\n"
    assert "is kept" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "why"), [("secrets.env", "ends in .example"), ("none.example", "No such file")])
def test_another_file_is_refused(tmp_path, capsys, name, why):
    with pytest.raises(SystemExit) as ended:
        env_file.main([str(tmp_path / name)])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err
