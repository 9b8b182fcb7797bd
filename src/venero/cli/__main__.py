"""`python -m venero.cli ...`, which is also how `torchrun -m venero.cli fit ...` starts the command on many processes."""

import sys

from venero.cli.app import main

sys.exit(main())
