"""How much CPU time python3-saml takes to verify one Response. Reads the task from standard input, as JSON.

What can be prepared once is prepared once: only what a service provider does for each answer is measured.
"""

import json
import sys
import time
from urllib.parse import urlsplit

from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings


def settings(task, **security):
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {
                "entityId": task["audience"],
                "assertionConsumerService": {
                    "url": task["acs_url"],
                    "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
                },
            },
            "idp": {
                "entityId": task["issuer"],
                "singleSignOnService": {"url": task["issuer"]},
                "x509cert": task["certificate"],
            },
            "security": {"wantAssertionsSigned": True, "rejectDeprecatedAlgorithm": True, **security},
        }
    )


def seconds_each(task, prepared):
    url = urlsplit(task["acs_url"])
    request = {
        "http_host": url.netloc,
        "script_name": url.path,
        "query_string": url.query,
        "get_data": {},
        "post_data": {},
        "https": "on" if url.scheme == "https" else "off",
    }
    begun = time.process_time()
    for _ in range(task["times"]):
        response = OneLogin_Saml2_Response(prepared, task["response"])
        response.is_valid(request, task["in_response_to"], raise_exceptions=True)
        if not response.get_nameid() or not response.get_attributes():
            sys.exit("python3-saml found nobody in the answer")
    return (time.process_time() - begun) / task["times"]


def main():
    task = json.load(sys.stdin)
    as_it_comes, without_schema = settings(task), settings(task, wantXMLValidation=False)
    json.dump(
        {"default": seconds_each(task, as_it_comes), "without_schema": seconds_each(task, without_schema)}, sys.stdout
    )


if __name__ == "__main__":
    main()
