"""pysaml2 as the identity provider in front of Workspaces."""

import base64
import unittest
from urllib.parse import parse_qs, urlsplit

from at_workspaces import Case, WorkspacesMatrix, cases, fill
from browser import Browser
from peers.pysaml2_idp import IdentityProvider
from peers.site import Site
from table import Cannot

PEER = "pysaml2"


class PySaml2AtWorkspaces(WorkspacesMatrix, unittest.TestCase):
    wanted = cases(("unsigned", "RSA"), ("RSA", "EC"), ("none",))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site = Site()
        cls.addClassCleanup(cls.site.stop)
        cls.providers = {}
        for case in cls.wanted:
            idp = IdentityProvider(cls.site, case.name)
            key = cls.keys["EC" if case.algorithm == "EC" else "RSA"]
            acs, entity_id, metadata = cls.configure(case, key, idp.entity_id, idp.sso)
            idp.configure(case, key, acs, entity_id, metadata)
            cls.site.add(case.name, idp)
            cls.providers[case] = idp

    def start(self):
        """A browser on its way to the identity provider, and the request that it carries."""
        idp, browser = self.providers[Case()], Browser()
        page = browser.get(f"{self.inn.workspaces}/api/sso/{idp.acs.split('=')[1]}", follow=False)
        query = {name: values[0] for name, values in parse_qs(urlsplit(page.headers["Location"]).query).items()}
        request = idp.server.parse_authn_request(query["SAMLRequest"], "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
        return idp, browser, request.message.id, query.get("RelayState", "")

    def post(self, browser, idp, xml, relay_state):
        fields = {"SAMLResponse": base64.b64encode(xml.encode()).decode(), "RelayState": relay_state}
        return browser.post(idp.acs, fields, origin=self.site.url)

    def users(self):
        return self.admin.get(f"{self.inn.workspaces}/admin/access/users").body

    def test_an_unsigned_answer_is_refused(self):
        idp, browser, request, relay_state = self.start()
        xml = idp.respond(request, "unsigned@example.com", False, False)
        self.assertGreaterEqual(self.post(browser, idp, xml, relay_state).status, 400)
        self.assertNotIn("unsigned@example.com", self.users())

    def test_a_changed_answer_is_refused(self):
        idp, browser, request, relay_state = self.start()
        xml = idp.respond(request, "honest@example.com", False, True).replace("honest@", "forged@")
        self.assertGreaterEqual(self.post(browser, idp, xml, relay_state).status, 400)
        self.assertNotIn("forged@example.com", self.users())

    def test_an_answer_works_once(self):
        idp, browser, request, relay_state = self.start()
        xml = idp.respond(request, "once@example.com", False, True)
        self.assertEqual(self.post(browser, idp, xml, relay_state).status, 200)
        self.assertGreaterEqual(self.post(browser, idp, xml, relay_state).status, 400)
        self.assertGreaterEqual(self.post(Browser(), idp, xml, relay_state).status, 400)


def cannot(case):
    if case.algorithm == "EC" and case.signed != "assertion":
        return Cannot(
            "The library signs a whole answer with RSA only; assertions it leaves to xmlsec1.",
            "Signature algo not in allowed list: .*ecdsa-sha256",
        )
    return None


fill(PySaml2AtWorkspaces, PEER, cannot)
