"""What users give, and what happens then: each case makes an input, and docs/inputs.md is written from all of them."""
