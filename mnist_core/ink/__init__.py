"""What a hand leaves, turned into what a network reads; and hands that draw."""
