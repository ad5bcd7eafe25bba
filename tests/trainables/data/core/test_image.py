"""Reading images: every depth and number of channels, and broken files."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support.trees import write_image
from trainables.data.core.dataset import DataError
from trainables.data.core.image import is_animated, read_animated, read_image, read_images
from trainables.data.core.video import read_video


def test_a_colour_image_comes_as_rgb(tmp_path):
    assert read_image(write_image(tmp_path / "a.png"))[0, 0].tolist() == [255, 128, 0]


@pytest.mark.parametrize(
    ("image", "first"),
    [
        (np.full((5, 6), 77, np.uint8), [77, 77, 77]),
        (np.full((5, 6), 77 * 257, np.uint16), [77, 77, 77]),
        (np.full((5, 6, 4), (10, 20, 30, 128), np.uint8), [30, 20, 10]),
        (np.full((5, 6, 3), 200 * 257, np.uint16), [200, 200, 200]),
    ],
    ids=["grey", "grey 16 bit", "with alpha", "colour 16 bit"],
)
def test_every_depth_and_number_of_channels_becomes_rgb_uint8(tmp_path, image, first):
    read = read_image(write_image(tmp_path / "a.png", image))
    assert (read.dtype, read.shape) == (np.uint8, (5, 6, 3))
    assert read[0, 0].tolist() == first


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bits_give_the_pixels_of_opencv(tmp_path, suffix):
    image = np.random.default_rng(0).integers(0, 65536, (20, 30), np.uint16)
    path = write_image(tmp_path / f"a{suffix}", image)
    np.testing.assert_array_equal(read_image(path), cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_the_bits_of_a_camera_in_a_picture_of_sixteen_are_not_black(tmp_path, bits, suffix):
    eight = np.arange(256, dtype=np.uint16).reshape(16, 16)
    path = write_image(tmp_path / f"a{suffix}", eight << (bits - 8))
    assert read_image(path)[..., 0].tolist() == eight.tolist()


def test_the_deep_pictures_of_a_clip_share_a_scale(tmp_path):
    levels = [100, 1000, 4000]  # of 12 bits
    paths = [write_image(tmp_path / f"{i}.png", np.full((4, 4), level, np.uint16)) for i, level in enumerate(levels)]
    assert [int(image[0, 0, 0]) for image in read_images(paths)] == [level >> 4 for level in levels]


def test_a_palette_image_becomes_rgb(tmp_path):
    from PIL import Image

    Image.new("RGB", (6, 5), (200, 30, 60)).quantize(4).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, 0].tolist() == [200, 30, 60]


def test_an_empty_image_is_named(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(DataError, match=r"a\.png.*empty"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_is_refused_rather_than_half_grey(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = write_image(tmp_path / f"a{suffix}", noise)
    read_image(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match="truncated"):
        read_image(path)


def test_a_text_file_called_image_or_video_is_refused_by_name(tmp_path):
    for name, read in (("a.jpg", read_image), ("a.mp4", lambda path: list(read_video(path)))):
        (tmp_path / name).write_text("not what the name says")
        with pytest.raises(DataError, match=f"{name}.*not a readable"):
            read(tmp_path / name)


def test_an_animated_image_that_cannot_be_decoded_is_named(tmp_path):
    from PIL import Image

    pictures = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 200)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:])
    whole = (tmp_path / "a.webp").read_bytes()
    (tmp_path / "a.webp").write_bytes(whole[:60])
    assert is_animated(tmp_path / "a.webp")
    with pytest.raises(DataError, match=r"a\.webp: not a readable image"):
        read_animated(tmp_path / "a.webp")


COLOURS = ([200, 30, 60], [20, 180, 90])


def two_colours():
    from PIL import Image

    rgb = np.empty((40, 60, 3), np.uint8)
    rgb[:, :30], rgb[:, 30:] = COLOURS
    return Image.fromarray(rgb)


def without_alpha(picture):
    picture = picture.convert("RGBA")
    picture.putalpha(0)
    return picture


@pytest.mark.parametrize(
    ("name", "change", "options"),
    [
        ("cmyk.jpg", lambda picture: picture.convert("CMYK"), {"quality": 95}),
        ("cmyk.tif", lambda picture: picture.convert("CMYK"), {}),
        ("palette.png", lambda picture: picture.quantize(4), {}),
        ("palette with a clear colour.png", lambda picture: picture.quantize(4), {"transparency": 0}),
        ("clear.png", without_alpha, {}),
        ("clear.webp", without_alpha, {"lossless": True, "exact": True}),
        ("a.gif", lambda picture: picture, {}),
        ("a.avif", lambda picture: picture, {"quality": 95}),
        ("a.jp2", lambda picture: picture, {}),
        ("lzw.tif", lambda picture: picture, {"compression": "tiff_lzw"}),
        ("jpeg.tiff", lambda picture: picture, {"compression": "jpeg"}),
    ],
)
def test_every_mode_and_format_gives_its_colours(tmp_path, name, change, options):
    change(two_colours()).save(tmp_path / name, **options)
    rgb = read_image(tmp_path / name)
    assert rgb.shape == (40, 60, 3)
    np.testing.assert_allclose(rgb[20, [10, 50]], COLOURS, atol=2)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_an_image_is_turned_as_its_camera_was_held(tmp_path, suffix):
    from PIL import Image

    held = Image.Exif()
    held[0x0112] = 6  # the top of the scene is at the right
    two_colours().save(tmp_path / f"a.{suffix}", exif=held, quality=95)
    rgb = read_image(tmp_path / f"a.{suffix}")
    assert rgb.shape == (60, 40, 3)
    np.testing.assert_allclose(rgb[[10, 50], 20], COLOURS, atol=4)


def test_the_pages_of_a_tiff_are_the_pictures_of_a_clip(tmp_path):
    deep = [np.full((8, 8), level, np.uint16) for level in (100, 1000, 4000)]  # of 12 bits
    assert cv2.imwritemulti(str(tmp_path / "a.tif"), deep)
    assert is_animated(tmp_path / "a.tif")
    pictures, times = read_animated(tmp_path / "a.tif")
    assert ([int(picture[0, 0, 0]) for picture in pictures], times) == ([6, 62, 250], [])


def test_a_preview_in_a_tiff_is_no_second_picture(tmp_path):
    picture = two_colours()
    picture.save(tmp_path / "a.tif", save_all=True, append_images=[picture.resize((30, 20))])
    assert not is_animated(tmp_path / "a.tif")


def test_what_nothing_here_decodes_is_named(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    with pytest.raises(DataError, match=r"a\.heic: not a readable image"):
        read_image(tmp_path / "a.heic")


def test_a_link_that_leads_nowhere_is_said_to_be_one(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "unmounted" / "a.png")
    with pytest.raises(DataError, match=r"a\.png: a link that leads nowhere \(git-annex"):
        read_image(tmp_path / "a.png")


def test_a_picture_that_says_it_is_too_large_is_a_clip_that_cannot_be_read(tmp_path):
    """The decoder refuses it by an error of its own."""
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    content = bytearray((tmp_path / "a.tif").read_bytes())
    first = struct.unpack("<I", content[4:8])[0]
    for entry in range(struct.unpack("<H", content[first : first + 2])[0]):
        place = first + 2 + 12 * entry
        if struct.unpack("<H", content[place : place + 2])[0] in (256, 257):
            content[place + 2 : place + 12] = struct.pack("<HII", 4, 1, 200_000)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tif: not a readable image"):
        read_animated(tmp_path / "a.tif")
