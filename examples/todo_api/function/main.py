"""A to-do list over HTTP. It lives in the instance's memory: a real one would keep it in a database."""

import itertools

import functions_framework
from flask import jsonify

tasks: dict[int, dict] = {}
numbers = itertools.count(1)


@functions_framework.http
def todo(request):
    """Serve /tasks and /tasks/<number>."""
    parts = [part for part in request.path.split("/") if part]
    if parts[:1] != ["tasks"] or len(parts) > 2:
        return jsonify(error="there is only /tasks"), 404
    if len(parts) == 1:
        return collection(request)
    number = int(parts[1]) if parts[1].isdecimal() else 0
    if number not in tasks:
        return jsonify(error=f"there is no task {parts[1]}"), 404
    return item(request, number)


def collection(request):
    if request.method == "GET":
        return jsonify(list(tasks.values()))
    if request.method == "POST":
        title = (request.get_json(silent=True) or {}).get("title")
        if not isinstance(title, str) or not title:
            return jsonify(error="a task needs a title"), 400
        number = next(numbers)
        tasks[number] = {"id": number, "title": title, "done": False}
        print(f"task {number} was added")
        return jsonify(tasks[number]), 201
    return jsonify(error="GET or POST"), 405


def item(request, number):
    if request.method == "PUT":
        tasks[number]["done"] = bool((request.get_json(silent=True) or {}).get("done"))
    elif request.method == "DELETE":
        return jsonify(tasks.pop(number))
    elif request.method != "GET":
        return jsonify(error="GET, PUT or DELETE"), 405
    return jsonify(tasks[number])
