"""How much CPU time pysaml2 takes to verify one Response. Reads the task from standard input, as JSON.

What can be prepared once is prepared once: only what a service provider does for each answer is measured. pysaml2 runs
xmlsec1 as a program of its own for each signature; its time counts.
"""

import json
import os
import sys

from saml2 import BINDING_HTTP_POST
from saml2.client import Saml2Client
from saml2.config import SPConfig

METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{issuer}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{issuer}"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""


def client(task):
    lines = [line for line in task["certificate"].splitlines() if line and not line.startswith("-")]
    config = SPConfig().load(
        {
            "entityid": task["audience"],
            "service": {
                "sp": {
                    "endpoints": {"assertion_consumer_service": [(task["acs_url"], BINDING_HTTP_POST)]},
                    "want_assertions_signed": True,
                    "want_response_signed": False,
                }
            },
            "metadata": {"inline": [METADATA.format(issuer=task["issuer"], certificate="".join(lines))]},
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "allow_unknown_attributes": True,
        }
    )
    return Saml2Client(config=config)


def used():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main():
    task = json.load(sys.stdin)
    prepared = client(task)
    begun = used()
    for _ in range(task["times"]):
        # pysaml2 takes an answered request out of the outstanding ones.
        response = prepared.parse_authn_request_response(
            task["response"], BINDING_HTTP_POST, outstanding={task["in_response_to"]: "/"}
        )
        if response is None or not response.name_id.text or not response.ava:
            sys.exit("pysaml2 found nobody in the answer")
    json.dump({"each": (used() - begun) / task["times"]}, sys.stdout)


if __name__ == "__main__":
    main()
