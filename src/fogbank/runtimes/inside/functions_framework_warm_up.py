"""Imported by a zygote: makes an application of a sample and answers requests with it, then forgets both.

What the framework, Flask and Werkzeug compile, import and remember at their first request is there before the fork,
which halves the time that a new instance needs.
"""

from __future__ import annotations

import os
import sys

import functions_framework

from fogbank.runtimes.inside import functions_framework_sample
from fogbank.runtimes.inside.functions_framework_python import answer

_REQUESTS = (("GET", b""), ("POST", b'{"a": 1}'))


def _warm_up() -> None:
    environment, path, modules = dict(os.environ), list(sys.path), set(sys.modules)
    source = str(functions_framework_sample.__file__)
    application = functions_framework.create_app("sample", source, "http")  # type: ignore[no-untyped-call]
    for method, body in _REQUESTS:
        headers = [["host", "localhost"], ["content-type", "application/json"], ["x-forwarded-for", "127.0.0.1"]]
        context = {"method": method, "path": "/a%20b", "query": "name=x", "headers": headers}
        _, head = answer(application, context, body)
        assert head["status"] == 200, head
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name == "functions_framework_sample":
            del sys.modules[name]


_warm_up()
