"""What a guest is: its definition, its folder, its own story."""
