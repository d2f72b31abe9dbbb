"""python3-saml, which Kasm itself uses, as a service provider."""

import base64
import json
import zlib
from urllib.parse import parse_qs, urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from peers.site import Answer, form, person, redirect

POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
SIGNATURES = {
    "RSA": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "EC": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
}


class ServiceProvider:
    def __init__(self, site, name):
        self.site, self.name = site, name
        self.url = f"{site.url}/{name}/"
        self.entity_id, self.acs, self.slo = f"{self.url}metadata", f"{self.url}acs", f"{self.url}slo"
        self.request_id = None

    def configure(self, case, key, idp_entity_id, idp_url, certificate):
        """`key` signs and decrypts; `certificate` is the identity provider's."""
        self.case, self.key = case, key
        sso = "post" if case.request_binding == "POST" else "redirect"
        self.settings = {
            "strict": True,
            "sp": {
                "entityId": self.entity_id,
                "assertionConsumerService": {"url": self.acs, "binding": POST},
                "singleLogoutService": {"url": self.slo, "binding": REDIRECT},
                "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
                "x509cert": key.certificate,
                "privateKey": key.key,
            },
            "idp": {
                "entityId": idp_entity_id,
                "singleSignOnService": {"url": f"{idp_url}sso/binding/{sso}/", "binding": REDIRECT},
                "singleLogoutService": {"url": f"{idp_url}slo/binding/redirect/", "binding": REDIRECT},
                "x509cert": certificate,
            },
            "security": {
                "requestedAuthnContext": False,
                "rejectDeprecatedAlgorithm": True,
                # In the POST binding the signature is part of the document, and is added below.
                "authnRequestsSigned": case.request_key != "unsigned" and case.request_binding == "redirect",
                "signatureAlgorithm": SIGNATURES.get(case.request_key, SIGNATURES["RSA"]),
                "wantAssertionsSigned": case.signed in ("assertion", "both"),
                "wantMessagesSigned": case.signed in ("response", "both"),
                "wantAssertionsEncrypted": case.encryption != "none",
            },
        }

    def handle(self, action, request):
        if action == "":
            return Answer(body=json.dumps(request.session)) if request.session else self._log_in()
        if action == "acs":
            return self._consume(request)
        return Answer(404, "no such page")

    def _auth(self, request=None):
        url = urlsplit(self.acs)
        facts = {
            "http_host": url.netloc,
            "script_name": url.path if request is None else request.path,
            "get_data": request.query if request else {},
            "post_data": request.form if request else {},
            "query_string": request.query_string if request else "",
            "https": "off",
        }
        return OneLogin_Saml2_Auth(facts, self.settings)

    def _log_in(self):
        auth = self._auth()
        target = auth.login(return_to=self.url)
        self.request_id = auth.get_last_request_id()
        if self.case.request_binding == "redirect":
            return redirect(target)
        # The library sends by redirect only; its document and its signature travel by POST as well.
        query = parse_qs(urlsplit(target).query)
        xml = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)
        if self.case.request_key != "unsigned":
            xml = OneLogin_Saml2_Utils.add_sign(
                xml, self.key.key, self.key.certificate, sign_algorithm=self.settings["security"]["signatureAlgorithm"]
            )
        return form(
            self.settings["idp"]["singleSignOnService"]["url"],
            {"SAMLRequest": base64.b64encode(xml).decode(), "RelayState": query["RelayState"][0]},
        )

    def _consume(self, request):
        auth = self._auth(request)
        auth.process_response(request_id=self.request_id)
        if auth.get_errors() or not auth.is_authenticated():
            return Answer(403, f"{auth.get_errors()}: {auth.get_last_error_reason()}", "text/plain")
        attributes = auth.get_attributes()
        session = {
            "name_id": auth.get_nameid(),
            "username": attributes["http://schemas.goauthentik.io/2021/02/saml/username"][0],
            "name": attributes["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"][0],
            "session_index": auth.get_session_index(),
        }
        return redirect(request.form["RelayState"], session)

    def person(self, page):
        return person(page, self.url)
