"""Parity: a recorded session beside what the simulation makes of it, and what each difference comes from.

session.py    what the tape holds of one session
orders.py     orders and fills of a run, recorded or simulated
timing.py     how long commands and answers travelled, and a simulated venue that takes as long
simulate.py   the session's inputs through the same actors, on the simulated venue
retold.py     the recorded fills at the prices and fees of the simulation
holding.py    what the simulation would charge for holding what was held
ladder.py     from simulated to recorded, one substitution at a time: what each is worth
fit.py        latency, slippage and fees as the session shows them, for the configuration
"""
