"""With unittest: one server for a class of tests, an account for each test.

Run: python -m examples.testing.with_unittest
"""

from __future__ import annotations

import os
import unittest
from unittest import mock

import boto3

from examples.testing.orders import make_next, order
from fogbank.settings import Settings
from fogbank.testing.accounts import new_account
from fogbank.testing.server import ThreadedServer
from fogbank.testing.spy import Spy
from fogbank.testing.variables import variables_of


class OrdersTest(unittest.TestCase):
    """Tests of the shop."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = cls.enterClassContext(ThreadedServer(Settings(port=0, memory=True)))

    def setUp(self) -> None:
        account = new_account()
        # The shop makes clients of its own, which find the server and the test's account by these.
        self.enterContext(mock.patch.dict(os.environ, variables_of(self.server.url, account)))
        self.enterContext(mock.patch.object(boto3, "DEFAULT_SESSION", None))
        self.spy = Spy(self.server, account)
        self.addCleanup(self.spy.close)
        self.queue = boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]

    def test_drinks_are_made_as_they_are_ordered(self) -> None:
        for drink in ("coffee", "tea"):
            order(self.queue, drink)
        self.assertEqual([make_next(self.queue) for _ in range(3)], ["coffee", "tea", None])

    def test_an_order_says_what_it_is(self) -> None:
        order(self.queue, "coffee")
        self.assertEqual(make_next(self.queue), "coffee")
        # It is gone from the queue, but it was seen.
        self.assertEqual(self.spy.wait_for(queue="orders", body__type="order")["body"]["drink"], "coffee")


if __name__ == "__main__":
    unittest.main()
