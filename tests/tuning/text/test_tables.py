"""Tables of a study's results in a terminal."""

from search_spaces.core.study import PARETO
from tests.support.builders import make_trial
from tuning.text.tables import front_table

METRICS = {"accuracy": 0.8, "train_time_s": 10.0, "param_count": 1e6}


def test_a_parameter_that_a_member_of_the_front_does_not_have_is_a_blank_cell():
    given = ({"rbg_depth": 0, "lr": 0.1}, {"rbg_depth": 1, "shortcut": "linear", "lr": 0.2})
    table = front_table([make_trial(n, parameters=one, metrics=METRICS) for n, one in enumerate(given)], PARETO, None)
    cells = {column.header: list(column.cells) for column in table.columns}
    assert cells["rbg_depth"] == ["0", "1"]
    assert cells["lr"] == ["0.1", "0.2"]
    assert cells["shortcut"] == ["", "linear"]
