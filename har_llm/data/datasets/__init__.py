"""Each dataset is a class that turns a user's files, or a simulation, into a home and its sessions."""
