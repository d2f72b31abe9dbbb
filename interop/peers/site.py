"""A small web server for peers that are libraries: /NAME/ asks for a sign-in, as an application would."""

import html
import http.server
import json
import secrets
import threading
import traceback
from urllib.parse import parse_qsl, urlsplit


class Request:
    """What reached the server, as the libraries want it."""

    def __init__(self, method, path, query_string, body, session):
        self.method, self.path, self.query_string, self.body, self.session = method, path, query_string, body, session
        self.query = dict(parse_qsl(query_string, keep_blank_values=True))
        form = body.decode("utf-8", "replace") if not body.lstrip().startswith(b"<") else ""
        self.form = dict(parse_qsl(form, keep_blank_values=True))


class Answer:
    def __init__(self, status=200, body="", content_type="text/html", location=None, session=None):
        self.status, self.body, self.content_type = status, body, content_type
        self.location, self.session = location, session


def redirect(location, session=None):
    return Answer(303, location=location, session=session)


def form(action, fields):
    """A page that would send itself; the browser of the tests sends it by hand."""
    inputs = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in fields.items()
    )
    return Answer(body=f'<form method="post" action="{html.escape(action)}">{inputs}</form>')


class Site:
    """Serves the service providers that are added to it, each below a path of its own."""

    def __init__(self):
        self.peers, self.sessions = {}, {}
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                site._serve(self, b"")

            def do_POST(self):
                site._serve(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def add(self, name, peer):
        """`peer` has handle(action, request) and answers /NAME/ACTION; the action of /NAME/ itself is empty."""
        self.peers[name] = peer

    def _serve(self, handler, body):
        parts = urlsplit(handler.path)
        _, name, action = (parts.path + "//").split("/")[:3]
        cookies = dict(
            pair.strip().split("=", 1) for pair in (handler.headers.get("Cookie") or "").split(";") if "=" in pair
        )
        peer = self.peers.get(name)
        key = cookies.get(f"peer-{name}")
        request = Request(handler.command, parts.path, parts.query, body, self.sessions.get(key))
        try:
            answer = peer.handle(action, request) if peer else Answer(404, "no such peer")
        except Exception:  # What the library says is the answer: the test reads it.
            answer = Answer(500, traceback.format_exc(), "text/plain")
        content = answer.body.encode()
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.content_type)
        handler.send_header("Content-Length", str(len(content)))
        if answer.location:
            handler.send_header("Location", answer.location)
        if answer.session is not None:
            key = secrets.token_hex(8)
            self.sessions[key] = answer.session
            handler.send_header("Set-Cookie", f"peer-{name}={key}; Path=/{name}/")
        handler.end_headers()
        handler.wfile.write(content)

    def end_sessions(self, matching):
        """Forgets the sessions that `matching(session)` is true for; says how many."""
        ended = [key for key, session in self.sessions.items() if matching(session)]
        for key in ended:
            del self.sessions[key]
        return len(ended)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def person(page, url):
    """Who is signed in, from the page at /NAME/."""
    if page.url != url or page.status != 200:
        raise AssertionError(page.words())
    return json.loads(page.body)
