"""What a search tries next: by ask and tell, within the space of its study."""
