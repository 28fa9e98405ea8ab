"""Answers an image that is posted to it with a smaller one: at most `?size=` pixels high and wide."""

import base64
import io
import json

from PIL import Image, UnidentifiedImageError

SIZE_MAX = 1_024


def handler(event, context):
    """Take an API Gateway 2.0 event, as function URLs send them."""
    query = event.get("queryStringParameters") or {}
    try:
        size = int(query.get("size", "128"))
    except ValueError:
        size = 0
    if not 1 <= size <= SIZE_MAX:
        return failure(400, f"size must be a number from 1 to {SIZE_MAX}")
    if not event.get("isBase64Encoded"):
        return failure(400, "post an image")
    try:
        image = Image.open(io.BytesIO(base64.b64decode(event["body"])))
        image.thumbnail((size, size))
    except UnidentifiedImageError:
        return failure(415, "that is no image")
    smaller = io.BytesIO()
    image.save(smaller, "PNG")
    return {
        "statusCode": 200,
        "headers": {"content-type": "image/png"},
        "body": base64.b64encode(smaller.getvalue()).decode(),
        "isBase64Encoded": True,
    }


def failure(status, message):
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"message": message}),
    }
