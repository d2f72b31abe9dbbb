"""A very small browser: keeps cookies per host, follows redirects, fills in and sends forms.

Every host is on loopback; names end in .localhost and are never looked up.
"""

import html
import http.client
import re
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit


class Form:
    def __init__(self, attributes):
        self.action = attributes.get("action", "")
        self.method = attributes.get("method", "get").lower()
        self.fields = []

    def names(self):
        return [name for name, _ in self.fields]


class _Forms(HTMLParser):
    """Collects forms with the values that a browser would send unchanged."""

    def __init__(self):
        super().__init__()
        self.forms, self._form, self._select, self._area = [], None, None, None

    def handle_starttag(self, tag, attrs):
        attributes = {key: value if value is not None else "" for key, value in attrs}
        if tag == "form":
            self._form = Form(attributes)
            self.forms.append(self._form)
        if self._form is None or "disabled" in attributes:
            return
        name = attributes.get("name")
        if tag == "input" and name:
            kind = attributes.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in attributes:
                return
            if kind in ("submit", "button", "file"):
                return
            self._form.fields.append((name, attributes.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "select" and name:
            self._select = [name, None]
        elif tag == "option" and self._select is not None:
            if self._select[1] is None or "selected" in attributes:
                self._select[1] = attributes.get("value", "")
        elif tag == "textarea" and name:
            self._area = [name, ""]

    def handle_data(self, data):
        if self._area is not None:
            self._area[1] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "select" and self._select is not None:
            self._form.fields.append((self._select[0], self._select[1] or ""))
            self._select = None
        elif tag == "textarea" and self._area is not None:
            self._form.fields.append(tuple(self._area))
            self._area = None


class Page:
    def __init__(self, url, status, headers, body):
        self.url, self.status, self.headers, self.body = url, status, headers, body

    def words(self):
        """What a person would read, in short: for the sentence of a test that failed."""
        body = self.body.split("<main", 1)[-1]
        if "<main" in self.body or "</html>" in body:
            body = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", f"<main{body}")).split())
        return f"{self.status} at {self.url[:300]}: {body[-1500:]}"

    def forms(self):
        parser = _Forms()
        parser.feed(self.body)
        return parser.forms

    def form(self, having):
        for form in self.forms():
            if having in form.names() or form.action.endswith(having):
                return form
        raise AssertionError(f"no form with {having!r}: {self.words()}")


class Browser:
    """One person's browser."""

    def __init__(self):
        self.cookies = {}

    def get(self, url, follow=True):
        return self._send("GET", url, None, follow)

    def post(self, url, fields, follow=True, origin=None):
        return self._send("POST", url, urlencode(fields), follow, origin)

    def submit(self, page, having, follow=True, **changes):
        """Sends a form of `page` with some fields changed; None leaves a check box off."""
        form = page.form(having)
        fields = [(name, value) for name, value in form.fields if name not in changes]
        fields += [(name, value) for name, value in changes.items() if value is not None]
        target = urljoin(page.url, form.action)
        if form.method == "get":
            return self.get(f"{target}?{urlencode(fields)}", follow)
        source = urlsplit(page.url)
        return self.post(target, fields, follow, f"{source.scheme}://{source.netloc}")

    def _send(self, method, url, body, follow, origin=None):
        for _ in range(12):
            parts = urlsplit(url)
            connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=30)
            headers = {"Host": parts.netloc, "Accept": "text/html", "User-Agent": "interop"}
            jar = self.cookies.get(parts.netloc)
            if jar:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
            if body is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            if origin:
                headers["Origin"] = origin
            target = parts.path or "/"
            if parts.query:
                target += f"?{parts.query}"
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            self._keep(parts.netloc, response.headers.get_all("Set-Cookie") or [])
            connection.close()
            if follow and response.status in (301, 302, 303, 307):
                url = urljoin(url, response.headers["Location"])
                method, body, origin = "GET", None, None
                continue
            return Page(url, response.status, response.headers, text)
        raise AssertionError(f"redirected for ever: {url}")

    def _keep(self, host, lines):
        jar = self.cookies.setdefault(host, {})
        for line in lines:
            pair, *attributes = line.split(";")
            name, _, value = pair.partition("=")
            expired = any(attribute.strip().lower() == "max-age=0" for attribute in attributes)
            if expired:
                jar.pop(name.strip(), None)
            else:
                jar[name.strip()] = value.strip()
