"""What is done with whole queues: their messages are moved, remembered and gone back to, pushed."""
