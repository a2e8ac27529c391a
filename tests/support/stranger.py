"""An HTTP server that is not WAREST."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stranger:
    """Answers everything in one way, and counts how often it was asked. Status 0: it hangs up."""

    def __init__(self, status: int, body: bytes, **headers: str) -> None:
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:
                self.asked += 1
                handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
                if not status:
                    handler.close_connection = True
                    return
                handler.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(body)

            do_GET = do_POST

            def log_message(handler, *_: object) -> None:
                """Quietly."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Stranger":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
