"""Finding clips among what operating systems, downloaders and unmounted disks leave behind; frames in time order."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.trees import write_image, write_video
from trainables.data.core.dataset import DataError
from trainables.data.core.finding import find_clips, list_images, list_videos, natural, samples_of
from trainables.data.core.frames import read_frames


def test_frames_are_sorted_as_people_count_and_hidden_files_are_passed_over(tmp_path):
    for name in ("10.png", "2.png", "1.PNG", "._1.png", ".DS_Store", "Thumbs.db", "notes.txt"):
        write_image(tmp_path / name) if name.lower().endswith("png") else (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path)] == ["1.PNG", "2.png", "10.png"]


def test_a_path_stands_for_a_video_an_image_or_a_folder_of_frames(tmp_path):
    video = write_video(tmp_path / "v.AVI")
    image = write_image(tmp_path / "frames" / "1.png")
    write_image(tmp_path / "frames" / "2.png")
    assert [sample.paths for sample in samples_of(video)] == [(video,)]
    assert [sample.paths for sample in samples_of(image)] == [(image,)]
    (clip,) = samples_of(tmp_path / "frames")
    assert (clip.clip_id, clip.label, clip.subject) == (str(tmp_path / "frames"), 0, None)
    assert len(list(read_frames(clip))) == 2


def test_every_clip_under_a_folder_is_found(tmp_path):
    write_video(tmp_path / "b" / "x 2.avi")
    write_video(tmp_path / "b" / "x 10.avi")
    write_image(tmp_path / "a" / "clip [1]" / "1.jpg")
    write_image(tmp_path / "__MACOSX" / "1.jpg")
    (tmp_path / "empty").mkdir()
    found = [Path(clip.clip_id).relative_to(tmp_path).as_posix() for clip in find_clips(tmp_path)]
    assert found == ["a/clip [1]", "b/x 2.avi", "b/x 10.avi"]


def test_what_is_no_clip_is_refused_with_what_is_allowed(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"no such file"):
        samples_of(tmp_path / "missing.mp4")
    with pytest.raises(DataError, match=r"notes\.txt.*\.mp4"):
        samples_of(tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no clip"):
        samples_of(tmp_path / "empty")


def test_a_folder_that_links_lead_back_to_is_looked_into_once(tmp_path):
    write_image(tmp_path / "clips" / "a" / "1.png")
    (tmp_path / "clips" / "a" / "back").symlink_to(tmp_path / "clips")
    (tmp_path / "clips" / "b").symlink_to(tmp_path / "clips" / "a")
    (tmp_path / "clips" / "circle").symlink_to("circle")
    (tmp_path / "clips" / "circle.png").symlink_to("circle.png")
    assert [clip.clip_id for clip in find_clips(tmp_path / "clips")] == [str(tmp_path / "clips" / "a")]


@pytest.mark.parametrize(
    "names",
    [
        ["0.0.png", "0.04.png", "0.08.png", "0.2.png", "1.0.png", "10.0.png"],
        ["-2.png", "-1.png", "0.png", "+1.png", "+10.png"],
        ["1e-05.png", "0.04.png", "0.2.png"],
        ["frame_0.04s.jpg", "frame_0.2s.jpg", "frame_1.0s.jpg"],
    ],
    ids=["seconds", "signs", "small seconds", "words around seconds"],
)
def test_frames_named_by_numbers_are_in_the_order_of_the_numbers(tmp_path, names):
    for name in sorted(names):
        write_image(tmp_path / name)
    (tmp_path / "notes.txt").touch()
    assert [path.name for path in list_images(tmp_path)] == names


@pytest.mark.parametrize(
    "names",
    [
        ["1.png", "2.png", "10.png"],
        ["001.png", "002.png", "010.png"],
        ["1.1.png", "1.2.png", "1.10.png"],
        ["P1-1.png", "P1-2.png", "P1-10.png"],
        ["a2b1.png", "a2b10.png", "a10b1.png"],
        ["S1_2_0.5.png", "S1_2_0.25.png"],
    ],
    ids=["counted", "with zeros", "versions", "dashes", "several", "words that differ"],
)
def test_other_names_keep_their_natural_order(tmp_path, names):
    for name in names:
        write_image(tmp_path / name)
    assert [path.name for path in list_images(tmp_path)] == names == natural(names)


def test_pictures_beside_a_video_are_no_clip(tmp_path):
    video = write_video(tmp_path / "P001_onset.avi")
    write_image(tmp_path / "P001_onset.webp.jpg")
    write_image(tmp_path / "@eaDir" / "P001_onset.avi" / "SYNOVIDEO_VIDEO_SCREENSHOT.jpg")
    assert [sample.paths for sample in samples_of(tmp_path)] == [(video,)]


def test_thumbnails_inside_a_folder_of_frames_are_no_frames(tmp_path):
    frames = [write_image(tmp_path / "P1_a" / f"{number}.png") for number in (1, 2)]
    write_image(tmp_path / "P1_a" / ".thumb.jpg")
    write_image(tmp_path / "P1_a" / "@eaDir" / "1.png" / "SYNOPHOTO_THUMB_M.jpg")
    (tmp_path / "P1_a" / "Thumbs.db").touch()
    assert [sample.paths for sample in samples_of(tmp_path)] == [tuple(frames)]


def write_pictures(path, num_pictures):
    from PIL import Image

    path.parent.mkdir(exist_ok=True)
    pictures = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in range(0, 40 * num_pictures, 40)]
    kind = {".apng": "PNG", ".gif": "GIF", ".png": "PNG", ".tif": "TIFF", ".webp": "WEBP", ".avif": "AVIF"}[path.suffix]
    pictures[0].save(path, kind, save_all=num_pictures > 1, append_images=pictures[1:])
    return path


@pytest.mark.parametrize("suffix", [".apng", ".avif", ".gif", ".png", ".tif", ".webp"])
def test_an_image_that_holds_several_pictures_is_a_video_and_a_still_one_an_image(tmp_path, suffix):
    several = write_pictures(tmp_path / "class" / f"P1_a{suffix}", 3)
    still = write_pictures(tmp_path / "class" / f"P1_b{suffix}", 1)
    assert list_videos(tmp_path / "class") == [several]
    (clip,) = samples_of(tmp_path)
    assert (clip.paths, len(list(read_frames(clip)))) == ((several,), 3)
    several.unlink()
    (clip,) = samples_of(tmp_path)
    assert (clip.paths, len(list(read_frames(clip)))) == ((still,), 1)


def test_a_video_beside_the_folder_of_its_frames_is_one_clip(tmp_path):
    video = write_video(tmp_path / "P1_a.avi")
    write_image(tmp_path / "P1_a" / "1.png")
    deeper = write_video(tmp_path / "P1_a" / "more" / "b.avi")
    write_image(tmp_path / "P1_b" / "1.png")
    found = [clip.clip_id for clip in find_clips(tmp_path)]
    assert sorted(found) == sorted([str(video), str(deeper), str(tmp_path / "P1_b")])


def test_a_link_that_leads_nowhere_is_named_as_one(tmp_path):
    (tmp_path / "a.mp4").symlink_to(tmp_path / "annex" / "a.mp4")
    with pytest.raises(DataError, match=r"a\.mp4: a link that leads nowhere"):
        samples_of(tmp_path / "a.mp4")
    with pytest.raises(DataError, match=r"no clip in this folder.*1 link that leads nowhere \(a\.mp4\)"):
        samples_of(tmp_path)
