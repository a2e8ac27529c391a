"""A webhook receiver: checks the signature of every event and prints it. Python's standard library only.

python3 examples/receiver.py PORT SECRET
"""

import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: An event that is older than this may be a recording that somebody plays again, s.
TOLERANCE = 300


def is_genuine(headers, body, secret):
    """The key is the secret and the username header; the message is the body, byte by byte."""
    algorithm, _, signature = headers["X-WAREST-Signature"].partition("=")
    key = (secret + headers.get("X-WAREST-Username", "")).encode()
    expected = hmac.new(key, body, algorithm.removeprefix("HMAC-").lower()).hexdigest()
    age = time.time() - int(headers["X-WAREST-Timestamp"]) / 1000
    return hmac.compare_digest(signature, expected) and abs(age) < TOLERANCE


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        genuine = is_genuine(self.headers, body, SECRET)
        # Answer first, work later: whoever does not answer in time gets the event again, under the same id.
        self.send_response(204 if genuine else 401)
        self.end_headers()
        event = json.loads(body)
        text = event["data"].get("text") or event["data"].get("tags", "")
        print(event["event"], "valid signature" if genuine else "FORGED", text, flush=True)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    PORT, SECRET = int(sys.argv[1]), sys.argv[2]
    ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
