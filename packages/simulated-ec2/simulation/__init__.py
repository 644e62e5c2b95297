"""A simulated EC2 account: test equipment, see ../README.md."""
