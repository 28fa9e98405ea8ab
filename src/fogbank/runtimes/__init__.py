"""Running user code: instances, their sandbox, one adapter per contract."""
