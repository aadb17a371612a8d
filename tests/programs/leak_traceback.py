# SPDX-License-Identifier: BSD-2-Clause
"""Exceptions are stored for a report that nobody fetches; each holds its traceback and frames.
Right verdict: leak of PaymentError, with traceback and frame."""
import common

errors = []


class PaymentError(Exception):
    pass


def charge(amount):
    order = {"amount": amount}
    raise PaymentError("declined: %r" % order["amount"])


def tick(i):
    common.traffic(4)
    try:
        charge(i)
    except PaymentError as error:
        errors.append(error)


common.run(tick)
