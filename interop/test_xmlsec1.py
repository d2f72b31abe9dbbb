"""The program xmlsec1 verifies and decrypts what Identity sends, and signs what Identity reads."""

import base64
import datetime
import re
import secrets
import tempfile
import unittest

from browser import Browser
from encryptions import NOTE
from innkeeper import Innkeeper
from keys import KeyPair
from people import answer, application, identity_administrator, import_certificate
from peers.xmlsec1 import ALGORITHMS, ASSERTION, ENTITY, REQUEST, RESPONSE, SIGNATURE, Failed, decrypt, sign, verify
from sign_in import encryption_fields, sign_in_encryptions
from table import Table

PEER = "xmlsec1"
KINDS = ("RSA", "EC", "EC P-384")
# What Identity signs with: a key on a curve has one algorithm that fits it.
IDENTITY_SIGNS = {
    "RSA-SHA256": "RSA", "RSA-SHA384": "RSA", "RSA-SHA512": "RSA", "ECDSA-SHA256": "EC", "ECDSA-SHA384": "EC P-384",
}
ACS = "http://sp.localhost:8080/acs"

AUTHN_REQUEST = """<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
 ID="{id}" Version="2.0" IssueInstant="{now}" Destination="{destination}" AssertionConsumerServiceURL="{acs}">
<saml:Issuer>sp</saml:Issuer>{signature}</samlp:AuthnRequest>"""


class Xmlsec1(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.inn = Innkeeper("--bare")
        cls.addClassCleanup(cls.inn.__exit__)
        cls.directory = tempfile.TemporaryDirectory(prefix="innkeeper-xmlsec1-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.admin = identity_administrator(cls.inn)
        cls.keys = {kind: KeyPair(cls.directory.name, kind.replace(" ", "-"), kind) for kind in KINDS}
        cls.ids = {
            kind: import_certificate(cls.admin, cls.inn, key.name, key.certificate, key.key)
            for kind, key in cls.keys.items()
        }
        cls.decryption = KeyPair(cls.directory.name, "decryption", "RSA")
        cls.decryption_id = import_certificate(cls.admin, cls.inn, "decryption", cls.decryption.certificate)

    def application(self, slug, algorithm, **fields):
        kind = IDENTITY_SIGNS[algorithm]
        _, method, digest = ALGORITHMS[algorithm]
        signing = {"signing_kp": self.ids[kind], "signature_algorithm": method, "digest_algorithm": digest}
        application(self.admin, self.inn, slug, ACS, "sp", **signing, **fields)
        return self.keys[kind]

    def check(self, xml, certificate, nodes):
        """The signatures are good, and not those of anything else."""
        changed = xml.replace(b"akadmin", b"evadmin")
        self.assertNotEqual(changed, xml)
        for node in nodes:
            verify(xml, certificate, node)
            with self.assertRaises(Failed):
                verify(changed, certificate, node)

    def check_answer(self, signed, algorithm, encryption):
        slug = re.sub(r"\W+", "-", f"{signed}-{algorithm}-{encryption}").lower()
        key = self.application(
            slug, algorithm,
            sign_assertion="on" if signed in ("assertion", "both") else None,
            sign_response="on" if signed in ("response", "both") else None,
            **encryption_fields(encryption, self.decryption_id),
        )
        page = self.admin.get(f"{self.inn.identity}/application/saml/{slug}/init/")
        xml = base64.b64decode(answer(page)[1])
        self.assertIn(ALGORITHMS[algorithm][1].encode(), xml if signed != "assertion" or encryption == "none" else
                      decrypt(xml, self.decryption.key))
        if encryption == "none":
            self.check(xml, key.certificate, {"assertion": [ASSERTION], "response": [RESPONSE]}.get(signed, [ASSERTION, RESPONSE]))
            return
        self.assertNotIn(b"akadmin", xml)
        if signed in ("response", "both"):
            # What is signed is the encrypted form.
            verify(xml, key.certificate, RESPONSE)
        plain = decrypt(xml, self.decryption.key)
        self.assertIn(b"akadmin", plain)
        if signed in ("assertion", "both"):
            self.check(plain, key.certificate, [ASSERTION])

    def check_metadata(self, algorithm):
        slug = f"metadata-{algorithm.lower()}"
        key = self.application(slug, algorithm)
        metadata = Browser().get(f"{self.inn.identity}/application/saml/{slug}/metadata/").body.encode()
        verify(metadata, key.certificate, ENTITY)
        with self.assertRaises(Failed):
            verify(metadata.replace(b"/sso/binding/post/", b"/sso/binding/best/"), key.certificate, ENTITY)

    def check_request(self, algorithm):
        """A request that xmlsec1 signed is taken, and refused once it is changed."""
        kind, method, digest = ALGORITHMS[algorithm]
        slug = f"request-{algorithm.lower()}"
        self.application(slug, "RSA-SHA256", verification_kp=self.ids[kind])
        sso = f"{self.inn.identity}/application/saml/{slug}/sso/binding/post/"
        request_id = f"_{secrets.token_hex(16)}"
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        signature = SIGNATURE.format(method=method, digest=digest, id=request_id)
        template = AUTHN_REQUEST.format(id=request_id, now=now, destination=sso, acs=ACS, signature=signature)
        xml = sign(template, self.keys[kind].key, REQUEST)
        browser = Browser()
        browser.cookies = {host: dict(jar) for host, jar in self.admin.cookies.items()}
        post = lambda message: browser.post(
            sso, {"SAMLRequest": base64.b64encode(message).decode()}, origin="http://sp.localhost:8080"
        )
        response = base64.b64decode(answer(post(xml))[1])
        self.assertIn(f'InResponseTo="{request_id}"'.encode(), response)
        self.assertEqual(post(xml.replace(b'Version="2.0"', b'Version="2.0" ForceAuthn="true"')).status, 400)


answers = Table(PEER, "Verifies and decrypts what Identity sends", ["what is signed", "signed with"], sign_in_encryptions(), NOTE)
for _signed in ("assertion", "response", "both"):
    for _algorithm in IDENTITY_SIGNS:
        for _encryption in sign_in_encryptions():
            answers.test(
                Xmlsec1, (_signed, _algorithm), _encryption,
                lambda test, case=(_signed, _algorithm, _encryption): test.check_answer(*case),
            )

metadata = Table(PEER, "Verifies the metadata of Identity", ["signed with"], ["metadata"])
for _algorithm in IDENTITY_SIGNS:
    metadata.test(Xmlsec1, (_algorithm,), "metadata", lambda test, algorithm=_algorithm: test.check_metadata(algorithm))

requests = Table(PEER, "Signs requests to Identity", ["signed with"], ["request by POST"])
for _algorithm in ALGORITHMS:
    requests.test(
        Xmlsec1, (_algorithm,), "request by POST", lambda test, algorithm=_algorithm: test.check_request(algorithm)
    )
