"""The tables of an ablation in each of their formats."""

import csv
import dataclasses
import io
import json
import math

import pytest
from rich.console import Console

from tests.support.simulated_runs import simulated, without_predictions
from tuning.statistics.comparison import compare
from tuning.statistics.pairing import NotComparable, Run
from tuning.text.ablation_document import compared, listed
from tuning.text.sheets import as_csv, as_latex, as_markdown, require_format, terminal_tables, write

PUBLISHED = {
    "full": {"accuracy": 0.981, "published_time_s": 0.744, "param_count": 64_200_000},
    "without_rbg": {"uar": 0.5, "weights_mb": 512.0, "latency_ms": 3.0},
}


@pytest.fixture(scope="module")
def comparison():
    runs = simulated({"full": 0.8, "without_rbg": 0.4, "h|512 & 5%": 0.8, "short": 0.8})
    runs = [dataclasses.replace(run, weights_mb=480.0) for run in runs]
    effect = {("gate",): {"full": 1.0, "without_rbg": -0.5, "h|512 & 5%": -0.5}}
    return compare(runs[:-1], "full", published=PUBLISHED, contrasts=effect)


@pytest.fixture(scope="module")
def document(comparison):
    return compared(comparison)


@pytest.fixture(scope="module")
def one_fold():
    """Two variants on one fold with two seeds; one training failed."""
    scores = [("vgg16", 0, 0.5), ("vgg16", 1, 0.6), ("resnet50", 0, 0.7), ("resnet50", 1, math.nan)]
    return [
        Run(
            variant=variant,
            fold=0,
            seed=seed,
            accuracy=accuracy,
            uar=accuracy - 0.1,
            train_time_s=10.0,
            param_count=2_000_000,
            num_train=80,
            num_test=20,
            weights_mb=8.0,
        )
        for variant, seed, accuracy in scores
    ]


def shown(document, width):
    console = Console(width=width, file=io.StringIO())
    for table in terminal_tables(document):
        console.print(table)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 150])
def test_no_cell_is_cut_on_a_terminal(document, width):
    text = shown(document, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for sheet in document.sheets:
        for row in sheet.rows:
            assert all(cell in text for cell in row), row


def test_what_is_wider_than_a_terminal_is_folded_and_whole():
    long = "without_random_masking_and_without_residual_connections"
    found = compared(compare(simulated({"full": 0.8, long: 0.1}), "full"))
    text = shown(found, 60)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 60
    pieces = [line.split()[0] for line in text.splitlines() if line[0] not in " ─"]
    assert "".join(pieces).count(long) == len(found.sheets)
    for sheet in found.sheets:
        for cell in sheet.rows[-1][1:]:
            assert set(cell.split()) <= set(text.split()), cell


def test_names_are_no_markup():
    found = compared(compare(simulated({"full": 0.8, "h[bold]512": 0.8}), "full"))
    assert "h[bold]512" in shown(found, 100)


def test_the_first_table_has_each_variants_own_results(document, comparison):
    own = document.sheets[0]
    assert own.title.startswith("Ablation against full (5 folds, 2 seeds, 40 people, 120 clips; ")
    rows = {row[0]: dict(zip(own.headings, row, strict=True)) for row in own.rows}
    assert list(rows) == ["full", "without_rbg", "h|512 & 5%"]
    interval = comparison.variants[1].accuracy
    assert interval.high - interval.mean != pytest.approx(interval.mean - interval.low), (
        "Wilson's upper limit is higher"
    )
    assert rows["without_rbg"]["accuracy, %"] == (
        f"{100 * interval.mean:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    )
    time = comparison.variants[1].train_time_s
    assert rows["without_rbg"]["training\ntime, s"] == f"{time.mean:.1f} ± {time.high - time.mean:.1f}"
    assert rows["full"]["parameters, M"] == "0.001"


def test_the_second_has_the_difference_with_its_method_and_two_known_ones_beside_it(document, comparison):
    table = document.sheets[1]
    rows = {row[0]: row for row in table.rows}
    assert list(rows) == ["without_rbg", "h|512 & 5%"]
    assert table.title == "Difference in accuracy to full, points (95 % intervals, not adjusted)"
    assert table.headings[1:] == ["difference\n(people and seeds)", "Nadeau-Bengio", "bootstrap", "p (Holm)"]
    worse = comparison.variants[1].difference
    for cell, found in zip(
        rows["without_rbg"][1:4], (worse.interval, worse.nadeau_bengio, worse.bootstrap), strict=True
    ):
        assert f"{100 * found.low:+.1f}, {100 * found.high:+.1f}" in cell
    assert rows["without_rbg"][1].startswith(f"{100 * worse.interval.mean:+.1f} [")
    assert rows["without_rbg"][4] == "< 0.001"


def test_the_third_has_the_probabilities_and_the_differences_in_uar_and_time(document, comparison):
    table = document.sheets[2]
    found = comparison.variants[1].difference
    assert table.headings[1:] == ["better / within 0.5\n/ worse, %", "UAR, points", "training\ntime, s"]
    assert table.rows[0][1] == "0 / 0 / 100"
    assert table.rows[0][2].startswith(f"{100 * found.uar.mean:+.1f} [{100 * found.uar.low:+.1f}, ")
    assert table.rows[0][3] == "+0.0 [no spread]", "the times of both are the same in every fold"


def test_where_folds_were_taken_for_some_the_rows_say_so(comparison):
    first, second, *rest = comparison.variants
    folds = dataclasses.replace(second.difference.interval, method="folds")
    second = dataclasses.replace(second, difference=dataclasses.replace(second.difference, interval=folds))
    table = compared(dataclasses.replace(comparison, variants=(first, second, *rest))).sheets[1]
    assert table.headings[1] == "difference\n(people and seeds; * folds)"
    assert [row[1].endswith(" *") for row in table.rows] == [True, False]


def test_without_predictions_there_is_no_bootstrap():
    found = compare(without_predictions(simulated({"full": 0.8, "other": 0.6})), "full")
    table = compared(found).sheets[1]
    assert table.headings[1:] == ["difference\n(folds)", "Nadeau-Bengio", "p (Holm)"]
    assert "people" not in compared(found).sheets[0].title


def test_every_published_figure_stands_beside_ours_but_a_time_of_unknown_meaning_by_itself(document, comparison):
    first, second = (
        {row[0]: dict(zip(table.headings, row, strict=True)) for row in table.rows} for table in document.sheets[5:]
    )
    full, other = first["full"], first["without_rbg"] | second["without_rbg"]
    ours = {one.variant: f"{100 * one.accuracy.mean:.1f}" for one in comparison.variants}
    assert (full["accuracy, %"], full["published\naccuracy, %"]) == (ours["full"], "98.10")
    assert (full["parameters, M"], full["published\nparameters, M"]) == ("0.001", "64.200")
    assert (other["accuracy, %"], other["published\naccuracy, %"]) == (ours["without_rbg"], "")
    assert other["published\nUAR, %"] == "50.00"
    assert (other["weights, MiB"], other["published\nweights, MiB"]) == ("480.0", "512.0")
    assert other["published\nlatency, ms"] == "3.0"
    assert second["full"]["time\nas published, s"] == "0.744"
    assert not [heading for heading in (*full, *second["full"]) if "train time" in heading]
    assert list(first) == list(second) == ["full", "without_rbg"], "those that the source has"
    said = " ".join(document.summary)
    assert "Published figures are quoted" in said
    assert "does not say what its times measure" in said
    assert len(compared(dataclasses.replace(comparison, variants=comparison.variants[2:], effects={})).sheets) == 3


def test_the_lines_say_what_follows_what_is_adjusted_and_what_is_left_out(document):
    said = "\n".join(document.summary)
    assert "without_rbg: worse by" in said
    assert "h|512 & 5%: no significant difference" in said
    assert "short is not compared: it has 1 of 10 runs missing" in said
    assert "for 2.0 points." in said
    assert "adjusted for all comparisons together (Holm), differences and equivalences as a family each." in said
    assert "an interval may exclude 0 where no difference is significant" in said
    assert "of Holm's first step, for the published difference or, where there is none, 2 points." in said


def test_the_csv_holds_the_unrounded_numbers(document, comparison):
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(as_csv(document)))}
    assert list(rows) == ["full", "without_rbg", "h|512 & 5%", "gate", "short"]
    difference = comparison.variants[1].difference
    worse = rows["without_rbg"]
    assert float(worse["difference_low"]) == difference.interval.low
    assert float(worse["nadeau_bengio_high"]) == difference.nadeau_bengio.high
    assert float(worse["bootstrap_low"]) == difference.bootstrap.low
    assert float(worse["uar_difference"]) == difference.uar.mean
    assert float(worse["uar_difference_high"]) == difference.uar.high
    assert (worse["train_time_s_difference"], worse["train_time_s_difference_high"]) == ("0.0", ""), "no spread"
    assert float(worse["p_adjusted"]) == difference.p_adjusted
    assert float(worse["p_equivalence"]) == difference.p_equivalence
    assert (float(rows["full"]["param_count"]), float(rows["full"]["weights_mb"])) == (1000, 480)
    assert rows["full"]["difference"] == ""
    assert (rows["gate"]["is"], rows["short"]["is"]) == ("effect", "excluded")
    assert (rows["full"]["published_accuracy"], rows["full"]["published_time_s"]) == ("0.981", "0.744")
    assert worse["published_weights_mb"] == "512.0"


def test_the_records_hold_effects_what_is_excluded_and_notes_as_well(document, comparison):
    found = [json.loads(json.dumps(record, allow_nan=False)) for record in document.records]
    kinds = [record["kind"] for record in found]
    assert kinds == ["comparison", *["variant"] * 3, "effect", "excluded", *["note"] * len(comparison.notes)]
    assert (found[0]["reference"], found[0]["num_folds"], found[0]["leaky"]) == ("full", 5, False)
    assert found[2]["difference"]["p_adjusted"] == comparison.variants[1].difference.p_adjusted
    assert (
        found[2]["difference"]["train_time_s"] | {"low": None, "high": None} == found[2]["difference"]["train_time_s"]
    )
    assert (found[4]["name"], found[4]["words"]) == ("gate", comparison.effects["gate"].words)
    assert (found[5]["name"], found[5]["reason"]) == ("short", comparison.excluded["short"])


def test_leaky_results_are_marked_in_every_table_and_format(comparison, one_fold):
    marked = compared(dataclasses.replace(comparison, leaky=True))
    listing = listed(one_fold, PUBLISHED, "One fold.", leaky=True)
    for document in (marked, listing):
        assert all("leaky: clips dealt at random" in sheet.title for sheet in document.sheets)
        for text in (shown(document, 80), as_markdown(document), as_latex(document)):
            assert " ".join(text.split()).count("leaky: clips dealt at random") == len(document.sheets)
        assert {row["leaky"] for row in csv.DictReader(io.StringIO(as_csv(document)))} == {"True"}
        assert document.records[0]["leaky"] is True
        assert any("too high" in line for line in document.summary)
    assert "leaky:" not in as_markdown(compared(comparison))


def test_markdown_has_as_many_cells_in_each_row(document):
    tables = as_markdown(document).split("\n\n")[1::2]
    assert len(tables) == 7
    for table in tables:
        assert len({line.replace(r"\|", "").count("|") for line in table.splitlines()}) == 1
    assert r"h\|512 & 5%" in tables[0]


def test_latex_escapes_what_it_must(document):
    text = as_latex(document)
    assert r"without\_rbg" in text
    assert r"h|512 \& 5\%" in text
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 7
    for part in text.split(r"\begin{table}")[1:]:
        columns = part.split(r"\begin{tabular}{")[1].split("}")[0]
        rows = [line for line in part.splitlines() if line.endswith(r"\\")]
        assert len(rows) >= 2
        assert all(row.replace(r"\&", "").count("&") == len(columns) - 1 for row in rows)
    assert "without\\_rbg: worse by" in text[text.rindex(r"\caption") :]


@pytest.mark.parametrize(
    ("name", "start"), [("a.csv", "name,is"), ("a.md", "Ablation against"), ("a.tex", r"\begin{table}")]
)
def test_the_ending_chooses_the_format(document, tmp_path, name, start):
    write(document, tmp_path / "tables" / name)
    assert (tmp_path / "tables" / name).read_text().startswith(start)


def test_another_ending_is_refused(document, tmp_path):
    for refuse in (require_format, lambda path: write(document, path)):
        with pytest.raises(ValueError, match=r"a\.xlsx ends in \.xlsx; .* \.csv, \.md, \.tex"):
            refuse(tmp_path / "a.xlsx")
    require_format(tmp_path / "a.md")


def test_runs_that_cannot_be_compared_are_listed_as_they_are(one_fold, tmp_path):
    with pytest.raises(NotComparable, match="on fold 0, and one fold shows no spread") as reason:
        compare(one_fold, "resnet50")
    published = {"resnet50": {"accuracy": 0.6946}, "vgg16": {"weights_mb": 512.0}}
    document = listed(one_fold, published, str(reason.value))
    printed = " ".join(shown(document, 80).split())
    assert "not compared" in printed
    assert "vgg16 2 of 2 55.0 45.0 10.0 2.000" in printed
    assert "resnet50 1 of 2 70.0 60.0 10.0 2.000" in printed
    assert "resnet50 70.0 69.46 8.0" in printed
    assert "vgg16 55.0 8.0 512.0" in printed
    assert [row[0] for row in document.sheets[1].rows] == ["vgg16", "resnet50"]
    assert document.summary[0] == str(reason.value)
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(as_csv(document)))}
    assert (rows["vgg16"]["is"], rows["vgg16"]["num_finished"], rows["vgg16"]["num_runs"]) == ("not compared", "2", "2")
    assert float(rows["vgg16"]["accuracy"]) == pytest.approx(0.55)
    assert [record["kind"] for record in document.records] == ["listed", "listed", "note"]
    assert json.loads(json.dumps(document.records[0], allow_nan=False))["published_weights_mb"] == 512.0
    for name in ("a.csv", "a.md", "a.tex"):
        write(document, tmp_path / name)
        assert "not compared" in (tmp_path / name).read_text()


def test_an_ablation_without_a_run_is_an_empty_list_with_its_reason(tmp_path):
    document = listed([], {"full": {"accuracy": 0.9}}, "No training has ended.")
    write(document, tmp_path / "a.csv")
    assert "not compared" in (tmp_path / "a.csv").read_text()
    assert document.sheets[0].rows == []
    assert document.records[0] == {"kind": "note", "note": "No training has ended."}
