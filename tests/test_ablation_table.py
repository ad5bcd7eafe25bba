"""The table of an ablation in each of its formats."""

import csv
import io
import math

import pytest
from rich.console import Console

from tests.test_comparison import simulated
from tuning.ablation_table import as_csv, as_latex, as_markdown, sentences, summary_table, terminal_table, write
from tuning.comparison import compare
from tuning.paired_runs import OneFold, Run


@pytest.fixture(scope="module")
def comparison():
    runs = simulated({"full": 0.8, "without_rbg": 0.4, "h|512 & 5%": 0.8, "short": 0.8})
    effect = {"gate": {"full": 1.0, "without_rbg": -0.5, "h|512 & 5%": -0.5}}
    return compare(runs[:-1], "full", published={"full": 0.981}, contrasts=effect)


def shown(table, width=220):
    console = Console(width=width, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()


def test_the_terminal_shows_every_variant_with_its_difference(comparison):
    text = shown(terminal_table(comparison))
    assert "against full (5 folds, 2 seeds, 40 people, 120 clips" in text
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    worse = comparison.variants[1].difference
    assert f"{100 * worse.interval.mean:+.1f} ({100 * worse.interval.low:+.1f} to" in lines["without_rbg"]
    assert "< 0.001" in lines["without_rbg"]
    assert "reference" in lines["full"]
    assert "98.10" in lines["full"]
    assert "effect:" in lines


def test_the_sentences_say_what_follows_and_what_is_left_out(comparison):
    said = "\n".join(sentences(comparison))
    assert "without_rbg: worse by" in said
    assert "h|512 & 5%: no difference could be resolved" in said
    assert "short is not compared: it has 1 of 10 runs missing" in said
    assert "Published accuracies are quoted" in said
    assert "for 2.0 points." in said


def test_the_csv_holds_the_unrounded_numbers(comparison):
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(as_csv(comparison)))}
    assert list(rows) == ["full", "without_rbg", "h|512 & 5%", "gate", "short"]
    difference = comparison.variants[1].difference
    assert float(rows["without_rbg"]["difference_low"]) == difference.interval.low
    assert float(rows["without_rbg"]["nadeau_bengio_high"]) == difference.nadeau_bengio.high
    assert float(rows["without_rbg"]["bootstrap_low"]) == difference.bootstrap.low
    assert float(rows["without_rbg"]["p_adjusted"]) == difference.p_adjusted
    assert float(rows["full"]["param_count"]) == 1000
    assert rows["full"]["difference"] == ""
    assert rows["gate"]["is"] == "effect"
    assert rows["short"]["is"] == "excluded"


def test_markdown_has_as_many_cells_in_each_row(comparison):
    lines = [line for line in as_markdown(comparison).splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1
    assert any(r"h\|512 & 5%" in line for line in lines)


def test_latex_escapes_what_it_must(comparison):
    text = as_latex(comparison)
    assert r"without\_rbg" in text
    assert r"h|512 \& 5\%" in text
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    columns = text.split(r"\begin{tabular}{")[1].split("}")[0]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 5
    assert all(row.replace(r"\&", "").count("&") == len(columns) - 1 for row in rows)


@pytest.mark.parametrize(
    ("name", "start"), [("a.csv", "name,is"), ("a.md", "Ablation against"), ("a.tex", r"\begin{table}")]
)
def test_the_ending_chooses_the_format(comparison, tmp_path, name, start):
    write(comparison, tmp_path / "tables" / name)
    assert (tmp_path / "tables" / name).read_text().startswith(start)


def test_another_ending_is_refused(comparison, tmp_path):
    with pytest.raises(ValueError, match=r"a\.xlsx ends in \.xlsx; .* \.csv, \.md, \.tex"):
        write(comparison, tmp_path / "a.xlsx")


def test_runs_that_cannot_be_compared_are_listed_as_they_are():
    runs = [
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
        )
        for variant, seed, accuracy in [
            ("vgg16", 0, 0.5),
            ("vgg16", 1, 0.6),
            ("resnet50", 0, 0.7),
            ("resnet50", 1, math.nan),
        ]
    ]
    with pytest.raises(OneFold, match="on fold 0: one fold shows no spread"):
        compare(runs, "resnet50")
    words = " ".join(shown(summary_table(runs, {"resnet50": 0.6946})).split())
    assert "vgg16 2 of 2 55.0 45.0 10.0 2.000" in words
    assert "resnet50 1 of 2 70.0 60.0 10.0 2.000 69.46" in words
