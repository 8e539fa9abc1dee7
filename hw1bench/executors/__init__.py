"""Where blocks are trained and measured: on this machine, or on a cluster. Both are trainers of the court."""
