"""An identity provider in front of Workspaces that is made of xmlsec1 and nothing else."""

import unittest

from at_workspaces import WorkspacesMatrix, cases, fill
from peers.site import Site
from peers.xmlsec1 import ALGORITHMS, IdentityProvider

PEER = "xmlsec1"


class Xmlsec1AtWorkspaces(WorkspacesMatrix, unittest.TestCase):
    wanted = cases(("unsigned",), tuple(ALGORITHMS), ("none",))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site = Site()
        cls.addClassCleanup(cls.site.stop)
        cls.providers = {}
        for case in cls.wanted:
            idp = IdentityProvider(cls.site, case.name)
            key = cls.keys[ALGORITHMS[case.algorithm][0]]
            acs, entity_id, metadata = cls.configure(case, key, idp.entity_id, idp.sso)
            idp.configure(case, key, acs, entity_id, metadata)
            cls.site.add(case.name, idp)
            cls.providers[case] = idp


fill(Xmlsec1AtWorkspaces, PEER)
