"""pysaml2 as the service provider behind Identity."""

import unittest

from peers.pysaml2_sp import ServiceProvider
from peers.site import Site
from sign_in import SignInMatrix, cases, fill, hopeless
from table import Cannot

PEER = "pysaml2"


class PySaml2SignIn(SignInMatrix, unittest.TestCase):
    signs_with_ec = False
    wanted = cases(answer_bindings=("POST", "redirect")) + hopeless(signs_with_ec=signs_with_ec)

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
            sp.configure(case, key, cls.sp_keys["RSA"], f"{cls.idp_url(case)}metadata/", cls.metadata(case))
            cls.site.add(case.name, sp)
            cls.providers[case] = sp


def cannot(case):
    if case.request_key == "EC":
        return Cannot("The library signs with RSA only.", "Signature algo not in allowed list: .*ecdsa-sha256")
    if case.answer_binding == "redirect" and case.answer_key == "EC" and case.signed != "assertion":
        return Cannot("The library verifies addresses with RSA only.", "signature in the address is not good")
    return None


fill(PySaml2SignIn, PEER, cannot)
