"""Reads every event from Redis instead of by webhook: in order, at least once, going on where it stopped.

python3 examples/consumer.py REDIS_URL GROUP        (needs `pip install redis`)

A group remembers how far it has read. Several processes of one group share the events; give each a name of its own.
"""

import json
import socket
import sys
import time

import redis

STREAM = "warest:events"


def main(url, group):
    client = redis.Redis.from_url(url, decode_responses=True, socket_timeout=None)
    begin = "$"  # from now on; "0" would begin with the oldest event that is still there
    while True:
        try:
            join(client, group, begin)
            begin = "0"  # should the group be gone the next time, then all events have gone with it
            follow(client, group)
        except redis.RedisError as error:  # it restarts, or has lost the group
            print(error, file=sys.stderr)
            time.sleep(1)


def join(client, group, begin):
    try:
        client.xgroup_create(STREAM, group, id=begin, mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise
    if begin == "$":
        print("ready", flush=True)


def follow(client, group):
    consumer = socket.gethostname()
    cursor = "0"  # first what we had been given and had not finished when we stopped, then (">") what is new
    while True:
        [[_, entries]] = client.xreadgroup(group, consumer, {STREAM: cursor}, count=100, block=0) or [[STREAM, []]]
        if not entries and cursor != ">":
            cursor = ">"
        for entry, fields in entries:
            if fields:  # of what has been trimmed meanwhile only the id is left
                handle(json.loads(fields["body"]))
            client.xack(STREAM, group, entry)
            cursor = cursor if cursor == ">" else entry


def handle(event):
    """Your work. It may come again after a crash, under the same eventId: do it once."""
    data = event["data"]
    print(data["sessionId"], event["event"], data["eventId"], data.get("text") or data.get("tags", ""), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
