"""Following a head: drawn people who walk, change places, come late and lie, cuts between them, and real faces."""

import numpy as np
import pytest

from drawing.scenes import SCENES, Scene, between, draw_people, draw_scene, stays, walks
from trainables.core.faces import finder as module
from trainables.core.faces import fixed_box
from trainables.core.faces.clip import NoFace
from trainables.core.faces.finder import FaceFinder
from trainables.core.faces.fixed_box import FixedBox
from trainables.core.faces.mtcnn import QUICK, Detector
from trainables.data.core.dataset import DataError
from trainables.data.core.image import read_image
from trainables.data.core.video import read_video

CENTRED = 0.15  # of the face's width


@pytest.fixture
def paths(monkeypatch):
    """Where the crops of the last clip were cut out: rows of x, y and side."""
    found = []

    def cut_out(frames, centres, sides, size, roll_deg):
        found.append(np.column_stack([centres, sides]))
        return whole(frames, centres, sides, size, roll_deg)

    whole = module.cut_out
    monkeypatch.setattr(module, "cut_out", cut_out)
    return found


def offsets(path: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """How far each crop's middle is from that of a face `(T, 3)`, as a share of its width."""
    return np.linalg.norm(path[:, :2] - faces[:, :2], axis=1) / faces[:, 2]


@pytest.mark.parametrize("num_frames", [16, 48, 120])
@pytest.mark.parametrize("name", ["walks", "approaches"])
def test_a_head_that_moves_is_centred_in_its_crops(paths, name, num_frames):
    scene = draw_scene(name, num_frames=num_frames)
    clip = FaceFinder().crop_clip(scene.frames, 96)
    (path,) = paths
    assert len(clip.frames) == num_frames
    assert (offsets(path, scene.faces[0]) < CENTRED).mean() >= 0.95
    assert np.abs(np.log(path[:, 2] / 1.25 / scene.faces[0][:, 2])).max() < 0.3
    assert (clip.face_share, clip.other_shares, clip.num_shots) == (1.0, (), 1)


def test_a_box_that_stays_loses_the_head_that_walks():
    """What following is for."""
    scene = draw_scene("walks", num_frames=24)
    try:
        clip = FixedBox().crop_clip(scene.frames, 96)
    except NoFace:
        return
    assert sum(map(bool, Detector().detect(list(clip.frames), QUICK))) < 24 / 2


def test_the_crop_of_a_head_that_stays_does_not_move(paths):
    FaceFinder().crop_clip(draw_scene("stands", noise=8.0, num_frames=40).frames, 160)
    assert np.ptp(paths[0], axis=0).tolist() == [0, 0, 0]


@pytest.mark.parametrize("num_frames", [16, 40, 90])
@pytest.mark.parametrize("seed", range(4))
def test_two_people_who_change_places_stay_two_and_one_of_them_is_followed(paths, num_frames, seed):
    scene = draw_scene("change places", seed=seed, num_frames=num_frames)
    clip = FaceFinder().crop_clip(scene.frames, 96)
    assert (clip.num_faces, clip.num_shots) == (2, 1)
    path = np.concatenate(paths)
    if len(path) == num_frames:  # else one was hidden behind the other
        assert min(np.max(offsets(path, face)) for face in scene.faces) < CENTRED


def test_of_two_people_who_stay_the_larger_is_kept_and_both_are_told(paths):
    scene = draw_scene("two people")
    clip = FaceFinder().crop_clip(scene.frames, 96)
    assert (clip.face_share, clip.other_shares) == (1.0, (1.0,))
    assert offsets(paths[0], scene.faces[0]).max() < CENTRED
    x, _, width = scene.faces[0, 0]
    assert [clip.box.left, clip.box.right] == pytest.approx([x - width / 2, x + width / 2], abs=0.2 * width)


def test_of_two_people_who_show_as_much_the_larger_and_else_who_shows_most_is_kept():
    stays, comes = draw_scene("two people", num_frames=24), draw_scene("two people", num_frames=24)
    wall = np.broadcast_to(stays.frames[:, :, 200:201], stays.frames[:, :, :200].shape)
    frames = comes.frames.copy()
    frames[:12, :, :200] = wall[:12]  # the larger one is not there yet
    clip = FaceFinder().crop_clip(frames, 96)
    assert clip.box.left > 200
    assert clip.face_share == 1.0
    assert clip.other_shares == (pytest.approx(0.5, abs=0.05),)


@pytest.mark.parametrize("num_frames", [24, 60, 120])
@pytest.mark.parametrize("course", [stays(0.3, 0.95), walks(0.2, 0.5, 0.95)])
def test_a_small_person_beside_a_large_one_is_told_with_the_share_and_answered_for(course, num_frames):
    scene = draw_people([course, stays(0.85, 0.42)], num_frames=num_frames)
    clip = FaceFinder().crop_clip(scene.frames, 96)
    assert (clip.face_share, clip.other_shares) == (1.0, (pytest.approx(1.0, abs=0.1),))
    assert len(FaceFinder().crop_everyone(scene.frames, 96)) == 2


def test_a_clip_of_many_shots_is_looked_at_to_its_end():
    pieces = [draw_people([stays(0.5)] if n > 18 else [], seed=[n % 9, n % 2], num_frames=3).frames for n in range(40)]
    clip = FaceFinder().crop_shown(np.concatenate(pieces), 32)
    assert clip.num_shots > 20
    assert len(clip.frames) >= 6, "one of nine people"
    assert clip.box.frame >= 3 * 19


def test_of_two_people_in_one_place_before_one_wall_a_cut_makes_two():
    courses = [between(stays(0.5), 0.0, 0.6), between(stays(0.5), 0.6, 1.0)]
    scene = draw_people(courses, seed=[3], num_frames=20)
    clip = FaceFinder().crop_clip(scene.frames, 96)
    assert (clip.num_shots, clip.num_faces, len(clip.frames)) == (2, 2, 12)


def test_a_gap_in_a_long_clip_that_is_thinned_is_minutes_and_stays_one():
    away = draw_people([], num_frames=1).frames[0]
    frames = list(draw_people([stays(0.5)], num_frames=40).frames)
    frames[15:25] = [away] * 10
    assert len(FaceFinder().crop_clip(frames, 32).frames) in (30, 40)  # hidden, or cut away
    long = [frame for frame in frames for _ in range(8)]  # 320 frames, of which every second is kept
    kept = FaceFinder().crop_clip(long, 32)
    assert len(kept.frames) == kept.num_frames_with_face == 120


def test_frames_before_somebody_comes_are_left_out_and_the_share_is_told():
    scene = draw_scene("comes late")
    shown = np.flatnonzero(~np.isnan(scene.faces[0, :, 0]))
    clip = FaceFinder().crop_clip(scene.frames, 96)
    assert (len(clip.frames), clip.num_frames_with_face) == (len(shown), len(shown))
    assert clip.face_share == pytest.approx(len(shown) / 24)
    assert clip.box.frame == shown[0]


def test_over_a_cut_one_person_is_kept_and_nothing_is_smoothed_across(paths):
    scene = draw_scene("after a cut")
    shown = ~np.isnan(scene.faces[0, :, 0])
    clip = FaceFinder().crop_clip(scene.frames, 96)
    assert (clip.num_shots, len(clip.frames)) == (2, shown.sum())
    assert clip.other_shares == (pytest.approx(1 - shown.mean()),)
    assert offsets(np.concatenate(paths), scene.faces[0][shown]).max() < CENTRED


def test_the_same_person_is_followed_through_a_cut(paths):
    left, right = draw_scene("stands", num_frames=8), draw_scene("stands", num_frames=8)
    frames = np.concatenate([left.frames, np.roll(right.frames, 120, axis=2)[:, ::1] // 2 + 60])
    clip = FaceFinder().crop_clip(frames, 96)
    assert (clip.num_shots, clip.num_faces, len(clip.frames)) == (2, 1, 16)
    assert [len(path) for path in paths] == [8, 8]
    assert [path[0, 0] for path in paths] == pytest.approx([213 + 4, 333 + 4], abs=12)


def test_a_clip_that_shows_somebody_in_few_frames_is_refused_but_answered_for():
    scene = draw_scene("mostly away")
    with pytest.raises(NoFace, match=r"the face shows in 7 of 24 frames \(29 %\); at least 50 % are needed"):
        FaceFinder().crop_clip(scene.frames, 96)
    clip = FaceFinder().crop_shown(scene.frames, 96)
    assert (len(clip.frames), clip.face_share) == (7, pytest.approx(7 / 24))


@pytest.mark.parametrize("seed", range(4))
def test_a_face_that_lies_is_cropped_upright_and_its_place_is_that_in_the_frame(seed):
    scene = draw_scene("lies", seed=seed, num_frames=8)
    clip = FaceFinder().crop_clip(scene.frames, 96)
    assert (clip.turned, clip.roll_deg) == (True, pytest.approx(-90, abs=8))
    faces = [max(found, key=lambda face: face.weight) for found in Detector().detect(list(clip.frames), QUICK) if found]
    assert len(faces) == 8
    assert np.median([face.roll_deg for face in faces]) == pytest.approx(0, abs=6)
    x, y, width = scene.faces[0, clip.box.frame]
    assert ((clip.box.left + clip.box.right) / 2, (clip.box.top + clip.box.bottom) / 2) == pytest.approx(
        (x, y), abs=0.2 * width
    )


def test_everybody_is_cropped_who_shows():
    scene = draw_scene("two people")
    first, second = FaceFinder().crop_everyone(scene.frames, 96)
    assert np.array_equal(first.frames, FaceFinder().crop_shown(scene.frames, 96).frames)
    assert first.box.right < second.box.left
    assert np.abs(first.frames.astype(int) - second.frames).mean() > 10


def test_places_are_told_in_px_and_frames_as_they_were_read():
    small = draw_scene("comes late", num_frames=24)
    large = [np.repeat(np.repeat(frame, 5, axis=0), 5, axis=1) for frame in small.frames]
    one, other = FaceFinder().crop_clip(small.frames, 96).box, FaceFinder().crop_clip(large, 96).box
    assert other.frame == one.frame
    assert other.left / one.left == pytest.approx(5, rel=0.05)


def test_a_long_clip_is_read_frame_by_frame_and_thinned():
    scene = draw_scene("stands", num_frames=4)
    alive = {"now": 0, "most": 0}

    class Frame(np.ndarray):
        def __del__(self):
            alive["now"] -= 1

    def frames():
        for index in range(2000):
            alive["now"] += 1
            alive["most"] = max(alive["most"], alive["now"])
            yield scene.frames[index % 4].copy().view(Frame)

    clip = FaceFinder().crop_clip(frames(), 32)
    assert 128 < len(clip.frames) <= 256
    assert alive["most"] <= 260


@pytest.mark.parametrize("name", [name for name in SCENES if name != "mostly away"])
def test_the_same_frames_are_the_same_crops(name):
    scene: Scene = draw_scene(name, num_frames=10)
    first, again = (FaceFinder().crop_clip(scene.frames, 32).frames for _ in range(2))
    assert np.array_equal(first, again)


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(DataError, match="no frames"):
        FaceFinder().crop_clip([], 96)
    with pytest.raises(NoFace, match="frames of 40 x 8 px; at least 12 x 12 px are needed to find a face"):
        FaceFinder().crop_clip([np.zeros((8, 40, 3), np.uint8)] * 3, 96)
    with pytest.raises(NoFace, match="no face in any of 3 frames looked at"):
        FaceFinder().crop_clip([np.zeros((80, 40, 3), np.uint8)] * 3, 96)


def test_the_crops_of_real_heads_that_hardly_move_are_those_of_one_box(faces, paths, monkeypatch):
    """Their overlap is at least nine tenths in 95 % of the frames, and most of them do not move."""
    boxes = []

    def square_crops(frames, centres, sides, size):
        boxes.append(np.column_stack([centres, sides]))
        return whole(frames, centres, sides, size)

    whole = fixed_box.square_crops
    monkeypatch.setattr(fixed_box, "square_crops", square_crops)
    for path in sorted((faces / "smiles").glob("*/P0[0-7]1_*.mp4"))[::3]:
        frames = list(read_video(path))
        FixedBox().crop_clip(frames, 16)
        FaceFinder().crop_clip(frames, 16)
    one, other = np.concatenate(boxes), np.concatenate(paths)
    low = np.maximum(one[:, :2] - one[:, 2:] / 2, other[:, :2] - other[:, 2:] / 2)
    high = np.minimum(one[:, :2] + one[:, 2:] / 2, other[:, :2] + other[:, 2:] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    assert (shared / (one[:, 2] ** 2 + other[:, 2] ** 2 - shared) >= 0.9).mean() >= 0.95
    assert np.mean([np.ptp(path, axis=0).max() == 0 for path in paths]) >= 0.8


def test_the_crop_of_a_real_head_that_is_still_jitters_by_two_px_at_most(faces, paths):
    (frame, *_) = read_video(faces / "smiles" / "neutral" / "P010_neutral.mp4")
    rng = np.random.default_rng(0)
    frames = [np.clip(frame + rng.normal(0, 8, frame.shape), 0, 255).astype(np.uint8) for _ in range(40)]
    FaceFinder().crop_clip(frames, 160)
    assert np.ptp(paths[0] * 160 / paths[0][:, 2:].mean(), axis=0).max() <= 2


def test_a_cup_and_then_a_face_is_refused_with_the_share_and_a_real_face_that_lies_is_turned(faces):
    given = faces.parent / "inputs" / "faces"
    with pytest.raises(NoFace, match=r"the face shows in 16 of 64 frames \(25 %\); at least 50 % are needed"):
        FaceFinder().crop_clip(read_video(given / "cut.mp4"), 96)
    assert len(FaceFinder().crop_shown(read_video(given / "cut.mp4"), 96).frames) == 16
    lying = FaceFinder().crop_clip(read_video(given / "sideways.mp4"), 96)
    assert (lying.turned, abs(lying.roll_deg)) == (True, pytest.approx(90, abs=8))


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png"])
def test_a_cup_and_a_cat_are_no_faces(faces, name):
    with pytest.raises(NoFace, match="no face in any of 1 frame looked at"):
        FaceFinder().crop_clip([read_image(faces / "stills" / name)], 96)


@pytest.mark.parametrize("name", ["astronaut.png", "lisa1.jpg", "lisa3.jpg"])
def test_a_still_is_a_clip_of_one_frame(faces, name):
    clip = FaceFinder().crop_clip([read_image(faces / "stills" / name)], 96)
    assert (len(clip.frames), clip.num_faces) == (1, 1)
