"""JavaScript that others wrote: run in worlds of its own, with bounds on processor time and memory."""
