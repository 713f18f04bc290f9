"""An S3 server on 127.0.0.1, on a free port that its first line of output tells. Its objects are in memory.

It ends when its standard input does, so it never outlives the process that started it.

What is behind it is moto's S3. moto's own server closes every connection, and waits ten milliseconds after every
answer; this one keeps connections open.
"""

import io
import os
import sys
import threading
from http.server import ThreadingHTTPServer
from wsgiref.simple_server import WSGIRequestHandler

# Answers have no headers for browsers.
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"

from moto.moto_server.werkzeug_app import create_backend_app  # noqa: E402


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # An answer is one write.
    wbufsize = -1

    def handle(self):
        self.close_connection = False
        while not self.close_connection:
            self.handle_one_request()

    def answer(self):
        # The whole body, whatever is done with it: the next request begins after it.
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ = self.get_environ()
        if "Content-Type" not in self.headers:
            del environ["CONTENT_TYPE"]
        environ["RAW_URI"] = environ["REQUEST_URI"] = self.path
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.errors"] = sys.stderr
        environ["wsgi.url_scheme"] = "http"
        environ["wsgi.version"] = (1, 0)
        environ["wsgi.multithread"] = True
        environ["wsgi.multiprocess"] = environ["wsgi.run_once"] = False
        head = []
        parts = self.server.app(environ, lambda *told: head.append(told))
        answer = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        status, headers = head[0][:2]
        code, reason = status.split(" ", 1)
        self.send_response(int(code), reason)
        for name, value in headers:
            # That of HEAD is the length of the object.
            if self.command == "HEAD" or name.lower() != "content-length":
                self.send_header(name, value)
        if self.command != "HEAD" and code not in ("204", "304"):
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = answer

    def log_request(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        # What every request says of the server.
        self.base_environ = {
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.server_port),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SCRIPT_NAME": "",
        }
        self.app = create_backend_app("s3")
        self.app.debug = False

    def handle_error(self, request, client_address):
        # A client that goes away in the middle is nothing to tell of.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.buffer.read()


main()
