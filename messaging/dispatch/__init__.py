"""Workers that send queued texts and place queued calls."""
