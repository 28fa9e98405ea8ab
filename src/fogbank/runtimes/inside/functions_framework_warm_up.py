"""Imported by a zygote: makes an application of a sample and answers requests with it, then forgets both.

What the framework, Flask and Werkzeug compile, import and remember at their first request is there before the fork,
which halves the time that a new instance needs.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import functions_framework
import werkzeug.routing.rules

from fogbank.runtimes.inside import functions_framework_sample
from fogbank.runtimes.inside.functions_framework_python import answer

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUESTS = (("GET", b""), ("POST", b'{"a": 1}'))


def _remember_compiled() -> None:
    """Let Werkzeug compile what builds a rule's URL once for all rules that are alike, half of a start's work.

    What is compiled depends on nothing but the rule's text and parts, where it has no defaults.
    """
    rule = werkzeug.routing.rules.Rule
    compile_builder: Callable[..., Any] | None = getattr(rule, "_compile_builder", None)
    if compile_builder is None:
        return
    known: dict[Any, Any] = {}

    def remembered(self: Any, append_unknown: bool = True) -> Any:
        if self.defaults:
            return compile_builder(self, append_unknown)
        key = (append_unknown, self.rule, tuple(self._trace))
        if key not in known:
            known[key] = compile_builder(self, append_unknown)
        return known[key]

    rule._compile_builder = remembered  # type: ignore[method-assign] # noqa: SLF001 - there is no other way in


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


_remember_compiled()
_warm_up()
