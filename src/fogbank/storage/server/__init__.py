"""What a server keeps of itself: its folder, its number among others, its time."""
