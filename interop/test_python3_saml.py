"""python3-saml, which Kasm itself uses, as the service provider behind Identity."""

import unittest
from urllib.parse import parse_qs, urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth

from browser import Browser
from innkeeper import Innkeeper
from people import answer, application, identity_administrator, sign_in

ACS = "http://sp.localhost:8080/acs?id=1"
SP = "http://sp.localhost:8080/metadata?id=1"


class PythonSaml(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.inn = Innkeeper("--bare")
        cls.admin = identity_administrator(cls.inn)

    @classmethod
    def tearDownClass(cls):
        cls.inn.__exit__()

    def settings(self, slug, certificate, binding, **security):
        return {
            "strict": True,
            "sp": {
                "entityId": SP,
                "assertionConsumerService": {"url": ACS, "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"},
                "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            },
            "idp": {
                "entityId": f"{self.inn.identity}/application/saml/{slug}/metadata/",
                "singleSignOnService": {
                    "url": f"{self.inn.identity}/application/saml/{slug}/sso/binding/{binding}/",
                    "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
                },
                "x509cert": certificate,
            },
            "security": {"requestedAuthnContext": False, "rejectDeprecatedAlgorithm": True, **security},
        }

    def auth(self, settings, **post):
        url = urlsplit(ACS)
        request = {
            "http_host": url.netloc,
            "script_name": url.path,
            "get_data": {"id": "1"},
            "post_data": post,
            "https": "off",
            "query_string": url.query,
        }
        return OneLogin_Saml2_Auth(request, settings)

    def sso(self, slug, binding, **security):
        certificate = application(self.admin, self.inn, slug, ACS, SP, **self.provider_fields(security))
        settings = self.settings(slug, certificate, binding, **security)
        auth = self.auth(settings)
        target = auth.login(return_to="state & <more>")
        person = Browser()
        if binding == "redirect":
            page = person.get(target)
        else:
            query = parse_qs(urlsplit(target).query)
            # The POST binding carries the document as it is, not deflated.
            import base64
            import zlib

            xml = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)
            page = person.post(
                settings["idp"]["singleSignOnService"]["url"],
                {"SAMLRequest": base64.b64encode(xml).decode(), "RelayState": query["RelayState"][0]},
                origin="http://sp.localhost:8080",
            )
        page = sign_in(person, page)
        action, response, relay_state = answer(page)
        self.assertEqual(action, ACS)
        self.assertEqual(relay_state, "state & <more>")
        verified = self.auth(settings, SAMLResponse=response, RelayState=relay_state)
        verified.process_response(request_id=auth.get_last_request_id())
        self.assertEqual(verified.get_errors(), [], verified.get_last_error_reason())
        self.assertTrue(verified.is_authenticated())
        return verified

    @staticmethod
    def provider_fields(security):
        fields = {}
        if security.get("wantMessagesSigned"):
            fields["sign_response"] = "on"
        if security.get("wantMessagesSigned") and not security.get("wantAssertionsSigned"):
            fields["sign_assertion"] = None
        return fields

    def check_person(self, auth):
        self.assertEqual(auth.get_nameid(), "admin@example.com")
        attributes = auth.get_attributes()
        claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
        self.assertEqual(attributes[f"{claims}emailaddress"], ["admin@example.com"])
        self.assertEqual(attributes[f"{claims}name"], ["Ada Admin"])
        self.assertEqual(attributes[f"{claims}upn"], ["admin@example.com"])
        self.assertEqual(attributes["http://schemas.goauthentik.io/2021/02/saml/username"], ["akadmin"])
        self.assertIn("http://schemas.goauthentik.io/2021/02/saml/uid", attributes)
        self.assertIn("http://schemas.xmlsoap.org/claims/Group", attributes)
        windows = "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname"
        self.assertEqual(attributes[windows], ["akadmin"])

    def test_redirect_with_the_assertion_signed(self):
        self.check_person(self.sso("py-redirect", "redirect", wantAssertionsSigned=True))

    def test_post_with_the_assertion_signed(self):
        self.check_person(self.sso("py-post", "post", wantAssertionsSigned=True))

    def test_redirect_with_the_response_signed(self):
        self.check_person(self.sso("py-response", "redirect", wantMessagesSigned=True))

    def test_redirect_with_both_signed(self):
        self.check_person(self.sso("py-both", "redirect", wantMessagesSigned=True, wantAssertionsSigned=True))

    def test_a_tampered_answer_is_refused_by_the_peer(self):
        """That the peer verifies at all: else the tests above would prove nothing."""
        import base64

        certificate = application(self.admin, self.inn, "py-tampered", ACS, SP)
        settings = self.settings("py-tampered", certificate, "redirect", wantAssertionsSigned=True)
        auth = self.auth(settings)
        person = Browser()
        page = sign_in(person, person.get(auth.login()))
        xml = base64.b64decode(answer(page)[1]).replace(b"admin@example.com", b"evil@example.com")
        verified = self.auth(settings, SAMLResponse=base64.b64encode(xml).decode())
        verified.process_response(request_id=auth.get_last_request_id())
        self.assertFalse(verified.is_authenticated())


if __name__ == "__main__":
    unittest.main(verbosity=2)
