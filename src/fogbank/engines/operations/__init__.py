"""Operations that outlast their requests: what was asked for, and what has become of it."""
