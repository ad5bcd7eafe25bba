"""Statistics: tables in, verdicts out; nothing of fertune is needed here."""
