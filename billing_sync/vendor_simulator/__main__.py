"""`python -m billing_sync.vendor_simulator`: the same as the management command, and up in a third of the time."""

import sys
from argparse import ArgumentParser

from billing_sync.vendor_simulator.command import HELP, CannotStartError, add_arguments, run

parser = ArgumentParser("python -m billing_sync.vendor_simulator", description=HELP)
add_arguments(parser)
try:
    run(vars(parser.parse_args()))
except CannotStartError as error:
    sys.exit(str(error))
