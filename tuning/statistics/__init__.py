"""Tables in, verdicts out; nothing of fertune is needed here."""
