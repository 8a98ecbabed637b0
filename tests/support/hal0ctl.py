"""``hal0ctl`` as a process of its own, whatever is installed: ``python -m tests.support.hal0ctl``."""

import sys

from hal0_operator.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
