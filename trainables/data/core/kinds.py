"""What a file is by its name."""

from __future__ import annotations

import os
from pathlib import Path

VIDEO_SUFFIXES = frozenset(
    {
        *(".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv"),
        *(
            ".3gp",
            ".3g2",
            ".asf",
            ".divx",
            ".dv",
            ".f4v",
            ".m2ts",
            ".m2v",
            ".mts",
            ".mxf",
            ".ogv",
            ".qt",
            ".ts",
        ),
        *(".vob", ".y4m"),
    }
)
IMAGE_SUFFIXES = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"),
        *(".apng", ".avif", ".gif", ".jfif", ".jp2", ".jpe", ".pbm", ".pnm"),
    }
)
# Images that may hold several pictures.
SERIES_SUFFIXES = frozenset({".apng", ".avif", ".gif", ".png", ".tif", ".tiff", ".webp"})
UNFINISHED_SUFFIXES = frozenset(
    {".part", ".partial", ".crdownload", ".download", ".opdownload", ".icloud", ".aria2", ".filepart", ".!qb", ".!ut"}
)
# What says something of the clips; that it is not read as a clip surprises nobody.
PAPER_SUFFIXES = frozenset(
    {
        *(".txt", ".md", ".rst", ".pdf", ".doc", ".docx", ".html", ".log"),
        *(".json", ".yaml", ".yml", ".toml", ".ini", ".xml"),
    }
    | {*(".csv", ".tsv", ".xls", ".xlsx", ".ods"), *(".py", ".ipynb", ".sh", ".m", ".bat")}
)
# What a NAS lays beside files: thumbnails and what was thrown away, by Synology, QNAP and Windows.
_OF_A_NAS = frozenset({"@eadir", "@tmp", "#recycle", "@recycle", "#snapshot", "$recycle.bin", "@thumb"})
# `._x` twins and `.DS_Store` of macOS start with a dot; Windows leaves Thumbs.db and macOS archives __MACOSX.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "system volume information", "lost+found"})


def is_video(path: str | Path) -> bool:
    """Whether the name ends as a video's does, in upper or lower case."""
    return os.path.splitext(path)[1].lower() in VIDEO_SUFFIXES


def is_image(path: str | Path) -> bool:
    """Whether the name ends as an image's does, in upper or lower case."""
    return os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES


def is_for_ffmpeg(path: str | Path) -> bool:
    """Whether FFmpeg decodes it: a video, or a GIF."""
    return is_video(path) or os.path.splitext(path)[1].lower() == ".gif"


def may_be_series(path: str | Path) -> bool:
    """Whether the name ends as that of an image that may hold several pictures, in upper or lower case."""
    return os.path.splitext(path)[1].lower() in SERIES_SUFFIXES


def is_paper(name: str) -> bool:
    """Whether the name ends as that of a text, a table or a program."""
    return os.path.splitext(name)[1].lower() in PAPER_SUFFIXES


def is_unfinished(name: str) -> bool:
    """Whether the name is that of a file on its way here, which a browser or a cloud has not brought whole."""
    return os.path.splitext(name)[1].lower() in UNFINISHED_SUFFIXES


def is_of_a_nas(name: str) -> bool:
    """Whether a folder of that name holds the thumbnails of a NAS, or what was thrown away there."""
    return name.lower() in _OF_A_NAS


def is_hidden(name: str) -> bool:
    """Whether operating systems and file servers leave what is called so, and not the owner of the data."""
    return name.startswith(".") or name.lower() in _LITTER or is_of_a_nas(name)
