"""python3-saml, which Kasm itself uses, as the service provider behind Identity."""

import unittest

from peers.python3_saml import ServiceProvider
from peers.site import Site
from sign_in import SignInMatrix, cases, fill, hopeless
from table import Cannot

PEER = "python3-saml"


class PythonSamlSignIn(SignInMatrix, unittest.TestCase):
    answers_by_redirect = signs_with_ec = False
    wanted = cases() + hopeless(answers_by_redirect, signs_with_ec)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site = Site()
        cls.addClassCleanup(cls.site.stop)
        cls.providers = {}
        for case in cls.wanted:
            sp = ServiceProvider(cls.site, case.name)
            cls.application(case, sp.acs, sp.entity_id)
            key = cls.sp_keys["EC" if case.request_key == "EC" else "RSA"]
            idp_url = cls.idp_url(case)
            sp.configure(case, key, f"{idp_url}metadata/", idp_url, cls.idp_keys[case.answer_key].certificate)
            cls.site.add(case.name, sp)
            cls.providers[case] = sp


def cannot(case):
    if case.answer_binding == "redirect":
        # Identity is set to answer by redirect, and answers with its self-submitting page all the same.
        return Cannot("The library asks in its requests for answers by POST, and gets them so.", "Redirecting to redirect-")
    if case.request_key == "EC":
        return Cannot("The library signs with RSA or DSA only.", "inappropriate key type|failed to sign")
    return None


fill(PythonSamlSignIn, PEER, cannot)
