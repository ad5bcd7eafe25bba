"""What lies among the clips and is not read, counted by kind."""

from pathlib import Path

from trainables.data.core.passed_over import links_nowhere, passed_over


def test_each_kind_is_counted_and_its_first_files_are_named(tmp_path, monkeypatch):
    for n in range(5):
        (tmp_path / f"{n}.heic").touch()
    (tmp_path / "taken.mp4").touch()
    (tmp_path / "other.mp4").touch()
    notes = ("5 .heic files (0.heic, 1.heic, 2.heic and 2 more)", "1 video that is not used (other.mp4)")
    assert passed_over(tmp_path, [tmp_path / "taken.mp4"]) == notes
    monkeypatch.chdir(tmp_path)
    assert passed_over(Path("."), [Path("taken.mp4")]) == notes


def test_links_that_lead_nowhere_and_in_a_circle_are_told_and_folders_are_looked_into_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").touch()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "unmounted")
    (tmp_path / "round").symlink_to("round")
    told = passed_over(tmp_path, ())
    assert len(told) == 2
    assert told[0] == "2 links that lead nowhere (gone, round)"
    assert told[1].startswith("1 loose picture (")


def test_what_operating_systems_leave_and_what_is_written_about_clips_is_not_told(tmp_path):
    for name in (".DS_Store", "._a.mp4", "Thumbs.db", "readme.txt", "labels.CSV"):
        (tmp_path / name).touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.mp4").touch()
    assert passed_over(tmp_path, ()) == ()


def test_the_frames_of_a_video_that_is_read_are_told_as_one_folder(tmp_path):
    for name in ("P1_a.mp4", "P1_a/1.png", "P1_a/2.png", "P1_a/b.heic", "P1_b/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert passed_over(tmp_path, [tmp_path / "P1_a.mp4"]) == (
        "1 .heic file (P1_a/b.heic)",
        "1 folder of frames of a video that is read (P1_a)",
        "1 loose picture (P1_b/1.png)",
    )


def test_links_that_lead_nowhere_end_an_errors_sentence(tmp_path):
    assert links_nowhere(tmp_path) == ""
    (tmp_path / "S001").mkdir()
    (tmp_path / "S001" / "1.png").symlink_to(tmp_path / ".git" / "annex" / "1.png")
    assert links_nowhere(tmp_path) == (
        " It holds 1 link that leads nowhere (S001/1.png): git-annex, or a disk that is not mounted."
    )
