"""Pictures that commands write beside their words."""
