"""`prepare`: finding, cropping and caching the faces of a data set."""

from __future__ import annotations

import contextlib
from pathlib import Path

from trainables.core.prepared.stored import Prepared, margin_size
from trainables.data.core.dataset import Dataset
from tuning.execution.face_sizes import require_face_size
from tuning.execution.preparation import ClipListener, load_dataset, prepare_loaded, require_spelling
from tuning.execution.whole_frames import whole_frames
from tuning.records.home import home_of
from tuning.text.pictures import contact_sheet
from tuning.text.progress import heard


def prepare(
    dataset: str,
    data_root: str | Path,
    *,
    keep_spelling: bool = False,
    cluster_by: str | None = None,
    face_size: int | None = None,
    verify: bool = False,
    preview: str | Path | None = None,
    home: str | Path | None = None,
    progress: bool | ClipListener = False,
) -> Prepared:
    """The prepared faces of the data set at `data_root`, with what was dropped and why; found again where they lie.

    `dataset` is a file of `trainables/data/`. In data of one's own, several spellings of a name (`Anna`, `anna`) are one
    person or class, unless `keep_spelling` keeps them apart. `cluster_by` says which clips that name nobody belong together
    and stand on one side of every split: `column:NAME` of one's own table, `pattern:REGEX`, whose first group is looked for in
    a clip's name (`pattern-or-alone:REGEX` where clips may lack it), `faces`, or `faces:FILE` with the weights for them.
    `face_size` is the largest `image_size` in px that networks can read of it, 16 to 512 (default: 128, or what the data set
    has); crops are stored with a margin, at 1.25 times that. Work that was interrupted goes on, and of data that grew what is
    new is read. `verify` reads every byte again and trusts nothing that was remembered of it. `preview` is the file (.png,
    .jpg, .jpeg or .webp) that a contact sheet is written to: crops of each clip, or of many clips evenly, and the dropped ones.
    Raises `ValueError` where the folder is not laid out as its owners do, for another `face_size`, where there are no
    spellings to keep or clips to cluster, and, before anything is cropped, where no picture can be written at `preview`.
    """
    sheet = None if preview is None else Path(preview).expanduser()
    if sheet is not None:
        contact_sheet.require_file(sheet)
    if keep_spelling:
        require_spelling(dataset)
    if face_size is not None:
        require_face_size(face_size)
    root, crop_size = Path(data_root).expanduser(), None if face_size is None else margin_size(face_size)
    loaded = load_dataset(dataset, root, keep_spelling=keep_spelling, cluster_by=cluster_by or "")
    prepared = prepare_loaded(loaded, root, home_of(home), heard(progress), crop_size=crop_size, verify=verify)
    if sheet is not None:
        _write_sheet(sheet, prepared, loaded)
    return prepared


def _write_sheet(path: Path, prepared: Prepared, dataset: Dataset) -> None:
    choice = contact_sheet.choose(prepared)
    samples = {sample.clip_id: sample for sample in dataset.samples}
    dropped = [samples[clip.clip_id] for clip in choice.dropped]
    with contextlib.closing(whole_frames(dataset, dropped, contact_sheet.NUM_PICTURES, contact_sheet.SIDE)) as frames:
        contact_sheet.write(path, prepared, choice, dataset, frames)
