"""What is measured: all cases, by service."""

from __future__ import annotations

from bench.dynamodb import DYNAMODB_CASES
from bench.sqs import SQS_CASES

CASES = (*SQS_CASES, *DYNAMODB_CASES)
