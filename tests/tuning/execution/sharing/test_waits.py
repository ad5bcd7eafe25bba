"""What a study waits for, for whoever asks from another process."""

from tuning.execution.sharing.waits import read_waits, write_waits


def test_it_is_there_as_long_as_the_study_waits(tmp_path):
    assert read_waits(tmp_path) == ""
    write_waits(tmp_path, "waits for a slot (1 CPU) behind demo")
    assert read_waits(tmp_path) == "waits for a slot (1 CPU) behind demo"
    write_waits(tmp_path, "")
    write_waits(tmp_path, "")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_went_and_a_file_that_is_cut_are_no_reason_to_fail(tmp_path):
    write_waits(tmp_path / "gone", "waits")
    assert read_waits(tmp_path / "gone") == ""
    (tmp_path / "waits.json").write_text('{"waits')
    assert read_waits(tmp_path) == ""
