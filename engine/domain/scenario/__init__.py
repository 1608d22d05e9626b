"""Scenarios: what a caller hears, presses and is led to.

    graph.py         what a scenario is: nodes, edges, prompts, variables (the file format is this model)
    talk.py          what the interpreter is told, and what it orders: its whole contact with the world
    run.py           one caller's way through: the state
    interpreter.py   `begin` and `step`: the machine itself

The interpreter is pure. The same code runs on a channel, in the simulator, in tests and in replay; only who carries out
the orders differs. Reading, checking, drawing and simulating scenarios is `engine.scenarios`.
"""
