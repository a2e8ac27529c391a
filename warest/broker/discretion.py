"""Keeps what Dramatiq messages hold out of the log: the library writes them down whole, texts of people included."""

import logging

import dramatiq
from dramatiq.broker import MessageProxy

#: What each actor says before it begins.
_ARGUMENTS = "Received args=%r kwargs=%r."


class Discretion(logging.Filter):
    """Of a message an entry says the actor and the id only."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == _ARGUMENTS:
            return False
        if isinstance(record.args, tuple):
            record.args = tuple(map(_named, record.args))
        return True


def _named(argument: object) -> object:
    if isinstance(argument, dramatiq.Message | MessageProxy):
        return f"{argument.actor_name} {argument.message_id}"
    return argument
