"""The runtimes that functions may name (AWS Lambda Developer Guide, "Lambda runtimes")."""

from __future__ import annotations

from typing import Final

from fogbank.runtimes.lambda_runtime_api.custom import CUSTOM_RUNTIMES
from fogbank.runtimes.lambda_runtime_api.java import JAVA_RUNTIMES
from fogbank.runtimes.lambda_runtime_api.node import NODE_RUNTIMES
from fogbank.runtimes.lambda_runtime_api.python import PYTHON_RUNTIMES
from fogbank.runtimes.lambda_runtime_api.ruby import RUBY_RUNTIMES

RUNTIMES: Final = (*PYTHON_RUNTIMES, *NODE_RUNTIMES, *JAVA_RUNTIMES, *RUBY_RUNTIMES, *CUSTOM_RUNTIMES)
