"""A TWS of our own: the matching engine behind Interactive Brokers' socket protocol, server version 176."""
