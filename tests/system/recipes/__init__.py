"""Recipes before the tools that will read them: kubectl, hadolint, shellcheck, promtool."""
