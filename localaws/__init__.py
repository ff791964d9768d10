"""The embedded AWS: the AWS APIs on 127.0.0.1, without an account and without Docker.

Two kinds of modules live here. `control`, `environments`, `errors`, `inventory` and `locks` use the
standard library alone and are what the rest of Slipway imports. All others run in the package's own
locked environment, as `python -m localaws`; among those only `ministack_plugin` knows the emulator.
"""
