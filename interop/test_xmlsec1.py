"""The xmlsec1 program verifies what Identity signs, over HTTP; what it signs is verified in crates/saml."""

import base64
import os
import subprocess
import tempfile
import unittest

from browser import Browser
from innkeeper import Innkeeper
from people import answer, application, identity_administrator

ACS = "http://sp.localhost:8080/acs"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"
RESPONSE = "urn:oasis:names:tc:SAML:2.0:protocol:Response"
ENTITY = "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor"


class Xmlsec1(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.inn = Innkeeper("--bare")
        cls.admin = identity_administrator(cls.inn)
        cls.directory = tempfile.TemporaryDirectory(prefix="innkeeper-xmlsec1-")

    @classmethod
    def tearDownClass(cls):
        cls.inn.__exit__()
        cls.directory.cleanup()

    def write(self, name, content):
        path = os.path.join(self.directory.name, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def verify(self, xml, certificate, node):
        """Whether xmlsec1 accepts the signature of the element that `node` names."""
        document = self.write("message.xml", xml)
        pem = self.write("certificate.pem", certificate.encode())
        name = node.rsplit(":", 1)[1]
        path = f"//*[local-name()='{name}']/*[local-name()='Signature']"
        command = ["xmlsec1", "--verify", "--pubkey-cert-pem", pem, "--id-attr:ID", node, "--node-xpath", path, document]
        return subprocess.run(command, capture_output=True).returncode == 0

    def issue(self, slug, **fields):
        certificate = application(self.admin, self.inn, slug, ACS, "sp", **fields)
        page = self.admin.get(f"{self.inn.identity}/application/saml/{slug}/init/")
        return base64.b64decode(answer(page)[1]), certificate

    def test_a_signed_assertion(self):
        xml, certificate = self.issue("x-assertion")
        self.assertTrue(self.verify(xml, certificate, ASSERTION))
        self.assertFalse(self.verify(xml.replace(b"akadmin", b"evadmin"), certificate, ASSERTION))

    def test_a_signed_response(self):
        xml, certificate = self.issue("x-response", sign_assertion=None, sign_response="on")
        self.assertTrue(self.verify(xml, certificate, RESPONSE))
        self.assertFalse(self.verify(xml.replace(b"akadmin", b"evadmin"), certificate, RESPONSE))

    def test_both(self):
        xml, certificate = self.issue("x-both", sign_response="on")
        self.assertTrue(self.verify(xml, certificate, RESPONSE))
        self.assertTrue(self.verify(xml, certificate, ASSERTION))

    def test_other_digests(self):
        sha512 = {"signature_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
                  "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha512"}
        xml, certificate = self.issue("x-sha512", **sha512)
        self.assertIn(b"rsa-sha512", xml)
        self.assertTrue(self.verify(xml, certificate, ASSERTION))

    def test_the_metadata(self):
        certificate = application(self.admin, self.inn, "x-metadata", ACS, "sp")
        metadata = Browser().get(f"{self.inn.identity}/application/saml/x-metadata/metadata/").body.encode()
        self.assertTrue(self.verify(metadata, certificate, ENTITY))


if __name__ == "__main__":
    unittest.main(verbosity=2)
