"""The devices that trials run on, and what a study needs of them."""
