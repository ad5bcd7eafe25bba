"""What goes is shown with its size: the largest first for people, every byte for a script."""

import json

from tuning.records.left_over import Part
from tuning.text.disposal_tables import show_parts, size

PARTS = [
    Part(what="smiles/ray", reason="Ray's own", num_bytes=10),
    Part(what="drawn/x", reason="no study", num_bytes=2048),
]


def test_sizes_are_read_at_a_glance():
    assert [size(number) for number in (0, 1023, 1536, 2**30, 2**50)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "1.0 GiB",
        "1024.0 TiB",
    ]


def test_a_table_has_the_sum_and_the_largest_first(capsys):
    show_parts(PARTS, as_json=False, title="To be freed")
    said = capsys.readouterr().out
    assert said.startswith("To be freed: 2.0 KiB")
    assert said.index("drawn/x") < said.index("smiles/ray")


def test_rows_for_a_script(capsys):
    show_parts(PARTS, as_json=True, title="To be freed")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == {"what": "smiles/ray", "reason": "Ray's own", "num_bytes": 10}
