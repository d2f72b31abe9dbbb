"""Sign-ins at Workspaces behind other people's identity providers: every combination of what an answer can be."""

import re
import tempfile
from dataclasses import dataclass

from browser import Browser
from encryptions import ENCRYPTIONS, NOTE
from innkeeper import Innkeeper
from keys import KeyPair
from people import saml_configuration, workspaces_administrator
from table import Table

HEADS = ["begun at", "request signed with", "what is signed", "signed with"]


@dataclass(frozen=True)
class Case:
    begun_at: str = "Workspaces"  # or the identity provider
    request_key: str = "unsigned"  # or RSA
    signed: str = "assertion"  # or response, both
    algorithm: str = "RSA"  # what the peer calls it
    encryption: str = "none"  # or another of ENCRYPTIONS

    @property
    def row(self):
        return (self.begun_at, self.request_key, self.signed, self.algorithm)

    @property
    def name(self):
        words = [self.begun_at[:3], self.request_key, self.signed, self.algorithm, self.encryption]
        return re.sub(r"\W+", "-", "-".join(words)).lower()

    @property
    def user(self):
        return f"{self.name}@example.com"


def cases(request_keys, algorithms, encryptions=tuple(ENCRYPTIONS)):
    """All combinations; what begins at the identity provider has no request to sign."""
    begun = [("Workspaces", key) for key in request_keys] + [("the identity provider", "no request")]
    return [
        Case(begun_at, request_key, signed, algorithm, encryption)
        for begun_at, request_key in begun
        for signed in ("assertion", "response", "both")
        for algorithm in algorithms
        for encryption in encryptions
    ]


class WorkspacesMatrix:
    """Starts Innkeeper and makes a configuration for each case; a test class per peer goes on from there.

    A peer's class is a TestCase too, gives `wanted`, its cases, and fills `providers` with a peer for each of them.
    """

    wanted = []

    @classmethod
    def setUpClass(cls):
        cls.inn = Innkeeper("--bare")
        cls.addClassCleanup(cls.inn.__exit__)
        cls.directory = tempfile.TemporaryDirectory(prefix="innkeeper-interop-keys-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.admin = workspaces_administrator(cls.inn)
        cls.keys = {kind: KeyPair(cls.directory.name, f"idp-{kind.lower()}", kind) for kind in ("RSA", "EC")}

    @classmethod
    def configure(cls, case, key, idp_entity_id, sso_url, **fields):
        """Makes the configuration of a case; returns its ACS, its entity ID and its metadata."""
        encryption = ENCRYPTIONS.get(case.encryption)
        acs, entity_id = saml_configuration(
            cls.admin, cls.inn, display_name=case.name, name_id_attribute="emailAddress", is_default=None,
            idp_entity_id=idp_entity_id, sso_url=sso_url, certificates=key.certificate,
            sign_requests="on" if case.request_key == "RSA" else None,
            idp_initiated="on" if case.begun_at != "Workspaces" else None,
            want_assertions_signed="on" if case.signed in ("assertion", "both") else None,
            want_messages_signed="on" if case.signed in ("response", "both") else None,
            want_assertions_encrypted="on" if encryption else None,
            allow_cbc="on" if encryption and encryption.is_cbc else None,
            **fields,
        )
        metadata = Browser().get(entity_id)
        assert metadata.status == 200, metadata.words()
        return acs, entity_id, metadata.body

    def sign_in(self, idp, case):
        """Signs in with an empty browser, and asserts whom Workspaces then knows."""
        browser = Browser()
        if case.begun_at == "Workspaces":
            page = browser.get(f"{self.inn.workspaces}/api/sso/{idp.acs.split('=')[1]}")
        else:
            page = browser.get(f"{idp.url}begin")
        page = browser.submit(page, "SAMLResponse")
        if case.begun_at != "Workspaces" and page.status == 200:
            # People are asked before a sign-in that they may not have wanted.
            page = browser.submit(page, "/api/acs/complete")
        self.assertEqual((page.status, page.url), (200, f"{self.inn.workspaces}/"), page.words())
        self.assertIn(f"Mira {case.name}", page.body)
        users = self.admin.get(f"{self.inn.workspaces}/admin/access/users").body
        self.assertIn(case.user, users)


def fill(test_class, peer, cannot=lambda case: None):
    """A table of sign-ins, with a test in `test_class` for each of its cases."""
    columns = [name for name in ENCRYPTIONS if any(case.encryption == name for case in test_class.wanted)]
    columns += [case.encryption for case in test_class.wanted if case.encryption not in columns]
    table = Table(peer, "Sign-in at Workspaces", HEADS, list(dict.fromkeys(columns)), NOTE)
    for case in test_class.wanted:
        def attempt(test, case=case):
            test.sign_in(test.providers[case], case)

        table.test(test_class, case.row, case.encryption, attempt, cannot(case))
