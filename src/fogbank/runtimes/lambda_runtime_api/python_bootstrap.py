"""The first file that a Python instance runs: AWS's own runtime client, with AWS's own module search path.

Started with -S -E, so that neither this interpreter's site packages' start-up hooks nor its environment reach the
function. Arguments: the folder of installed packages. This file imports nothing of Fogbank.
"""

import os
import sys

task_root = os.environ["LAMBDA_TASK_ROOT"]
packages = sys.argv[1]
sys.path[0:1] = [task_root]
sys.path.append(packages)
sys.argv = [sys.argv[0], os.environ["_HANDLER"]]

from awslambdaric.__main__ import main  # noqa: E402

main(sys.argv)
