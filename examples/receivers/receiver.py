"""A webhook receiver: checks the signature of every event, prints it, and answers an order. The standard library only.

python3 examples/receivers/receiver.py PORT SECRET
"""

import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: An event that is older than this may be a recording that somebody plays again, s.
TOLERANCE = 300

ALGORITHMS = {f"HMAC-SHA{bits}": f"sha{bits}" for bits in (224, 256, 384, 512)}


def is_signed(headers, body, secret):
    """The key is the secret and the username header; the message is the body, byte by byte."""
    algorithm = ALGORITHMS.get(headers.get("X-WAREST-Signature-Alg"))
    signature = headers.get("X-WAREST-Signature", "").partition("=")[2]
    key = secret + headers.get("X-WAREST-Username", "")
    return bool(algorithm) and hmac.compare_digest(
        signature.encode(), hmac.new(key.encode(), body, algorithm).hexdigest().encode()
    )


def is_fresh(event):
    """By the time in the body, which is signed; that in the header is not."""
    return abs(time.time() - event["ts"] / 1000) < TOLERANCE


def rewritten(event):
    """The body again, for frameworks that give only what they have parsed. A few numbers look otherwise in Python."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def answer_to(event):
    """What is to be done is in the answer: see docs/actions.md."""
    if event["event"] == "message_received" and event["data"]["text"] == "order":
        return {"actions": [{"type": "text", "to": "{{sender.chatId}}", "text": "Your order is in Python's hands"}]}
    return {"ok": True}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("X-WAREST-Event") == "preflight":  # somebody asks whether we are here
            return self.answer(200, {"ok": True, "pong": True})
        if not is_signed(self.headers, body, SECRET):
            return self.refuse("Invalid signature")
        event = json.loads(body)
        if not is_fresh(event):
            return self.refuse("Stale timestamp")
        # Answer first, work later: whoever does not answer in time gets the event again, under the same id.
        self.answer(200, answer_to(event))
        again = "ok" if is_signed(self.headers, rewritten(event), SECRET) else "DIFFERS"
        text = json.dumps(event["data"].get("text") or event["data"].get("tags", ""), ensure_ascii=False)
        print(event["event"], event["data"]["eventId"], "raw=ok", f"rewritten={again}", text, flush=True)

    def refuse(self, reason):
        print("REFUSED", reason, flush=True)
        self.answer(401, {"ok": False, "message": reason})

    def answer(self, status, told):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    PORT, SECRET = int(sys.argv[1]), sys.argv[2]
    ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
