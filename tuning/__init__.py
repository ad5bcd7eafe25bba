"""How a study runs: session, runner, searcher, ledger, tracking, selection, confirmation, promotion."""
