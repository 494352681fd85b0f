"""The exchange process: the simulated venue behind real sockets, one folder per protocol."""
