"""What is measured: all cases, by service."""

from __future__ import annotations

from bench.azure import AZURE_CASES
from bench.cosmos import COSMOS_CASES
from bench.dynamodb import DYNAMODB_CASES
from bench.events import EVENT_CASES
from bench.firestore import FIRESTORE_CASES
from bench.functions import LAMBDA_CASES
from bench.http_functions import HTTP_FUNCTION_CASES
from bench.languages import LANGUAGE_CASES
from bench.logging import LOGGING_CASES
from bench.pubsub import PUBSUB_CASES
from bench.sns import SNS_CASES
from bench.sqs import SQS_CASES
from bench.state import STATE_CASES
from bench.streams import STREAM_CASES
from bench.ways import WAYS

CASES = (
    *SQS_CASES,
    *SNS_CASES,
    *EVENT_CASES,
    *PUBSUB_CASES,
    *FIRESTORE_CASES,
    *LOGGING_CASES,
    *AZURE_CASES,
    *COSMOS_CASES,
    *DYNAMODB_CASES,
    *STREAM_CASES,
    *LAMBDA_CASES,
    *LANGUAGE_CASES,
    *HTTP_FUNCTION_CASES,
    *STATE_CASES,
    *WAYS,
)
