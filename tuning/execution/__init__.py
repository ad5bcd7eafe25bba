"""How trials run: a Ray, its slots, what is tried next. Ray lives here."""
