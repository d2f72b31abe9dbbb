"""Apache with mod_auth_mellon as the service provider behind Identity."""

import re
import unittest

from peers.mellon import Mellon, ServiceProvider
from sign_in import SignInMatrix, cases, fill, hopeless
from table import Cannot

PEER = "mod_auth_mellon"


def without_redirect(metadata):
    """The module posts its request where the identity provider offers nothing else."""
    shorter = re.sub(r'<md:SingleSignOnService Binding="[^"]*HTTP-Redirect"[^>]*></md:SingleSignOnService>', "", metadata)
    assert shorter != metadata
    return shorter


class MellonSignIn(SignInMatrix, unittest.TestCase):
    answers_by_redirect = signs_with_ec = False
    wanted = cases() + hopeless(answers_by_redirect, signs_with_ec)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.apache = Mellon()
        cls.addClassCleanup(cls.apache.stop)
        cls.providers = {}
        for case in cls.wanted:
            sp = ServiceProvider(cls.apache, case.name)
            cls.application(case, sp.acs, sp.entity_id)
            metadata = cls.metadata(case)
            if case.request_binding == "POST":
                metadata = without_redirect(metadata)
            key = cls.sp_keys["EC" if case.request_key == "EC" else "RSA"]
            cls.providers[case] = cls.apache.add(case.name, key, metadata, case.request_key != "unsigned")
        cls.apache.start()


def cannot(case):
    if case.answer_binding == "redirect":
        return Cannot("The module takes answers by POST only; its address for them reads no query.", "404|400|405")
    if case.request_key == "EC" and case.request_binding == "POST":
        return Cannot("Lasso, the library below it, fails to sign a document with an EC key.", "Internal Server Error")
    if case.request_key == "EC":
        return Cannot(
            "Lasso, the library below it, signs with the EC key and calls the signature RSA-SHA256.",
            "a signature with EC P-256. Received: RSA-SHA256",
        )
    if case.answer_key == "EC":
        return Cannot("Lasso, the library below it, verifies RSA signatures only.", "400 at .*/postResponse")
    return None


fill(MellonSignIn, PEER, cannot)
