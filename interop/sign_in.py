"""Sign-ins at service providers behind Identity: every combination of what a request and its answer can be."""

import base64
import re
import tempfile
from dataclasses import dataclass

from browser import Browser
from encryptions import ENCRYPTIONS, NOTE
from innkeeper import Innkeeper
from keys import KeyPair
from people import answer, application, identity_administrator, import_certificate
from table import Table

HEADS = ["request", "request signed with", "answer", "what is signed", "signed with"]
SIGNATURES = {
    "RSA": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "EC": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
}



def sign_in_encryptions():
    """The columns of what Identity sends."""
    return ["none"]


def encryption_fields(encryption, certificate_id):
    """The fields of a provider that encrypts so, for that certificate."""
    chosen = ENCRYPTIONS[encryption]
    if chosen is None:
        return {}
    return {"encryption_kp": certificate_id, "data_encryption": chosen.data, "key_transport": chosen.transport}


@dataclass(frozen=True)
class Case:
    request_binding: str = "redirect"  # or POST
    request_key: str = "unsigned"  # or RSA, EC
    answer_binding: str = "POST"  # or redirect
    signed: str = "assertion"  # or response, both
    answer_key: str = "RSA"  # or EC
    encryption: str = "none"  # or another of ENCRYPTIONS

    @property
    def row(self):
        return (self.request_binding, self.request_key, self.answer_binding, self.signed, self.answer_key)

    @property
    def slug(self):
        """The name of the application; those that differ in the request's binding only are one."""
        words = [self.request_key, self.answer_binding, self.signed, self.answer_key, self.encryption]
        return re.sub(r"[\W_]+", "-", "-".join(words)).lower()

    @property
    def name(self):
        return f"{self.request_binding.lower()}-{self.slug}"


def cases(request_keys=("unsigned", "RSA"), answer_bindings=("POST",)):
    """All combinations of these."""
    return [
        Case(request_binding, request_key, answer_binding, signed, answer_key, encryption)
        for request_binding in ("redirect", "POST")
        for request_key in request_keys
        for answer_binding in answer_bindings
        for signed in ("assertion", "response", "both")
        for answer_key in ("RSA", "EC")
        for encryption in sign_in_encryptions()
    ]


class SignInMatrix:
    """Starts Innkeeper and makes an application for each case; a test class per peer goes on from there.

    A peer's class is a TestCase too, gives `wanted`, its cases, and fills `providers` with a peer for each of them.
    """

    wanted = []
    answers_by_redirect = True
    signs_with_ec = True

    @classmethod
    def setUpClass(cls):
        cls.inn = Innkeeper("--bare")
        cls.addClassCleanup(cls.inn.__exit__)
        cls.directory = tempfile.TemporaryDirectory(prefix="innkeeper-interop-keys-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.admin = identity_administrator(cls.inn)
        cls.idp_keys, cls.sp_keys = {}, {}
        cls.certificate_ids = {}
        for kind in ("RSA", "EC"):
            for role, keys in (("idp", cls.idp_keys), ("sp", cls.sp_keys)):
                key = KeyPair(cls.directory.name, f"{role}-{kind.lower()}", kind)
                keys[kind] = key
                private_key = key.key if role == "idp" else ""
                cls.certificate_ids[role, kind] = import_certificate(
                    cls.admin, cls.inn, key.name, key.certificate, private_key
                )

    @classmethod
    def application(cls, case, acs, entity_id):
        """Creates the application of a case."""
        fields = {
            "signing_kp": cls.certificate_ids["idp", case.answer_key],
            "signature_algorithm": SIGNATURES[case.answer_key],
            "sign_assertion": "on" if case.signed in ("assertion", "both") else None,
            "sign_response": "on" if case.signed in ("response", "both") else None,
            "sp_binding": case.answer_binding.lower(),
            **encryption_fields(case.encryption, cls.certificate_ids["sp", "RSA"]),
        }
        if case.request_key != "unsigned":
            fields["verification_kp"] = cls.certificate_ids["sp", case.request_key]
        application(cls.admin, cls.inn, case.name, acs, entity_id, **fields)

    @classmethod
    def idp_url(cls, case):
        return f"{cls.inn.identity}/application/saml/{case.name}/"

    @classmethod
    def metadata(cls, case):
        page = Browser().get(f"{cls.idp_url(case)}metadata/")
        assert page.status == 200, page.words()
        return page.body

    def test_a_changed_answer_is_refused_by_the_peer(self):
        """That the peer verifies at all: else its table would prove nothing."""
        for signed in ("assertion", "response", "both"):
            case = Case(signed=signed)
            sp = self.providers[case]
            browser = self.known_browser()
            action, response, relay_state = answer(browser.get(sp.url))
            changed = base64.b64decode(response).replace(b"admin@example.com", b"evil@example.com")
            fields = {"SAMLResponse": base64.b64encode(changed).decode(), "RelayState": relay_state}
            page = browser.post(action, fields)
            self.assertGreaterEqual(page.status, 400, f"{signed}: {page.words()}")
            self.assertNotIn("evil@example.com", Browser().get(sp.url).body)

    def known_browser(self):
        """A browser that is signed in at Identity already, and knows no peer."""
        browser = Browser()
        browser.cookies = {host: dict(jar) for host, jar in self.admin.cookies.items()}
        return browser

    def sign_in(self, sp, case):
        """Opens the peer's page with a browser that is signed in at Identity, and asserts who the peer then knows."""
        browser = self.known_browser()
        page = browser.get(sp.url)
        if case.request_binding == "POST":
            page = browser.submit(page, "SAMLRequest")
        if case.answer_binding == "POST":
            page = browser.submit(page, "SAMLResponse")
        person = sp.person(page)
        self.assertEqual(person["name_id"], "admin@example.com")
        self.assertEqual(person["username"], "akadmin")
        self.assertEqual(person["name"], "Ada Admin")
        return browser


def fill(test_class, peer, cannot=lambda case: None):
    """A table of sign-ins, with a test in `test_class` for each of its cases; `cannot(case)` tells what can't be.

    A kind of request or answer that the peer can't do at all has one row, tried in one way: see `hopeless`.
    """
    table = Table(peer, "Sign-in", HEADS, sign_in_encryptions(), NOTE)
    for case in test_class.wanted:
        def attempt(test, case=case):
            test.sign_in(test.providers[case], case)

        row = case.row
        if case.answer_binding == "redirect" and not test_class.answers_by_redirect:
            row = ("any", "any", "redirect", "any", "any")
        elif case.request_key == "EC" and not test_class.signs_with_ec:
            row = (case.request_binding, "EC", "any", "any", "any")
        table.test(test_class, row, case.encryption, attempt, cannot(case))


def hopeless(answers_by_redirect=True, signs_with_ec=True):
    """A case or two of each kind that the peer can't do."""
    found = []
    for encryption in sign_in_encryptions():
        if not signs_with_ec:
            found += [Case(binding, "EC", encryption=encryption) for binding in ("redirect", "POST")]
        if not answers_by_redirect:
            found.append(Case(answer_binding="redirect", encryption=encryption))
    return found
