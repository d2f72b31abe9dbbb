"""pysaml2 as the identity provider in front of Workspaces."""

import base64
import os
import subprocess
import tempfile
import unittest
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from browser import Browser
from innkeeper import Innkeeper
from people import saml_configuration, workspaces_administrator

IDP = "http://idp.localhost:8081/metadata"
SSO = "http://idp.localhost:8081/sso"


class Pysaml2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.inn = Innkeeper("--bare")
        cls.admin = workspaces_administrator(cls.inn)
        cls.directory = tempfile.TemporaryDirectory(prefix="innkeeper-pysaml2-")
        cls.key = os.path.join(cls.directory.name, "key.pem")
        cls.certificate = os.path.join(cls.directory.name, "cert.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", cls.key, "-out", cls.certificate,
             "-days", "10", "-subj", "/CN=pysaml2"],
            check=True, capture_output=True,
        )
        config = cls.config()
        metadata = str(entity_descriptor(config))
        cls.acs, cls.entity_id = saml_configuration(
            cls.admin, cls.inn, display_name="pysaml2", name_id_attribute="emailAddress",
            idp_entity_id=IDP, sso_url=SSO, certificates=open(cls.certificate).read(),
        )
        assert IDP in metadata
        sp_metadata = cls.admin.get(cls.entity_id)
        assert sp_metadata.status == 200, sp_metadata.body
        cls.sp_file = os.path.join(cls.directory.name, "sp.xml")
        with open(cls.sp_file, "w") as file:
            file.write(sp_metadata.body)
        cls.idp = Server(config=cls.config(metadata={"local": [cls.sp_file]}))

    @classmethod
    def config(cls, **more):
        return IdPConfig().load(
            {
                "entityid": IDP,
                "service": {
                    "idp": {
                        "endpoints": {"single_sign_on_service": [(SSO, BINDING_HTTP_REDIRECT)]},
                        "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
                        "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
                    }
                },
                "key_file": cls.key,
                "cert_file": cls.certificate,
                "xmlsec_binary": "/usr/bin/xmlsec1",
                **more,
            }
        )

    @classmethod
    def tearDownClass(cls):
        cls.inn.__exit__()
        cls.directory.cleanup()

    def start(self, person):
        """Clicks the button on the sign-in page and returns the request as the IdP gets it."""
        page = person.get(f"{self.inn.workspaces}/")
        self.assertIn("pysaml2", page.body)
        path = page.body.split('href="/api/sso/')[1].split('"')[0]
        page = person.get(f"{self.inn.workspaces}/api/sso/{path}", follow=False)
        self.assertIn(page.status, (302, 303))
        query = parse_qs(urlsplit(page.headers["Location"]).query)
        request = self.idp.parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        return request.message, query.get("RelayState", [None])[0]

    def respond(self, request, name, sign_response, sign_assertion):
        return str(
            self.idp.create_authn_response(
                identity={"mail": name, "givenName": "Mira", "sn": "Muster"},
                in_response_to=request.id,
                destination=self.acs,
                sp_entity_id=self.entity_id,
                name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=name),
                authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"},
                sign_response=sign_response,
                sign_assertion=sign_assertion,
                sign_alg=SIG_RSA_SHA256,
                digest_alg=DIGEST_SHA256,
            )
        )

    def post(self, person, xml, relay_state):
        fields = {"SAMLResponse": base64.b64encode(xml.encode()).decode()}
        if relay_state:
            fields["RelayState"] = relay_state
        return person.post(self.acs, fields, origin="http://idp.localhost:8081")

    def sign_in(self, name, sign_response, sign_assertion):
        person = Browser()
        request, relay_state = self.start(person)
        return self.post(person, self.respond(request, name, sign_response, sign_assertion), relay_state)

    def test_our_request_is_what_the_peer_expects(self):
        request, _ = self.start(Browser())
        self.assertEqual(request.assertion_consumer_service_url, self.acs)
        self.assertEqual(request.issuer.text, self.entity_id)
        self.assertEqual(request.destination, SSO)

    def test_a_signed_assertion_signs_in(self):
        page = self.sign_in("assertion@example.com", False, True)
        self.assertEqual((page.status, page.url), (200, f"{self.inn.workspaces}/"), page.body[:3000])
        self.assertIn("Terminal", page.body)

    def test_a_signed_response_signs_in(self):
        page = self.sign_in("response@example.com", True, False)
        self.assertEqual((page.status, page.url), (200, f"{self.inn.workspaces}/"), page.body[:3000])

    def test_both_signed_sign_in(self):
        page = self.sign_in("both@example.com", True, True)
        self.assertEqual((page.status, page.url), (200, f"{self.inn.workspaces}/"), page.body[:3000])

    def test_an_unsigned_answer_is_refused(self):
        page = self.sign_in("unsigned@example.com", False, False)
        self.assertGreaterEqual(page.status, 400)
        self.assertNotIn("unsigned@example.com", self.admin.get(f"{self.inn.workspaces}/admin/access/users").body)

    def test_a_changed_answer_is_refused(self):
        person = Browser()
        request, relay_state = self.start(person)
        xml = self.respond(request, "honest@example.com", False, True).replace("honest@", "forged@")
        page = self.post(person, xml, relay_state)
        self.assertGreaterEqual(page.status, 400)
        self.assertNotIn("forged@example.com", self.admin.get(f"{self.inn.workspaces}/admin/access/users").body)

    def test_an_answer_works_once(self):
        person = Browser()
        request, relay_state = self.start(person)
        xml = self.respond(request, "once@example.com", False, True)
        self.assertEqual(self.post(person, xml, relay_state).status, 200)
        self.assertGreaterEqual(self.post(person, xml, relay_state).status, 400)
        self.assertGreaterEqual(self.post(Browser(), xml, relay_state).status, 400)


if __name__ == "__main__":
    unittest.main(verbosity=2)
