"""One file per scenario; its name is the scenario's, its ``run`` measures and returns a ``Result``."""
