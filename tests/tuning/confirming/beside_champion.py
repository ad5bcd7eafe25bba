"""What a study asked for of the champion beside which it raced: that of `champion_home`, of skill 0.8."""

SKILLS = {4: 0.5, 8: 0.8}
FOLDS = 3  # of a race there


def of_champion(runner):
    return [trial for trial in runner.ledger.of_phase("race") if trial.variant == "champion"]


def trained(runner):
    return [trial for trial in runner.asked if trial.variant == "champion"]
