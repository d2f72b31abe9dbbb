"""pysaml2 as a service provider."""

import functools
import json

import saml2.sigver
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS
from saml2.sigver import verify_redirect_signature
from saml2.xmldsig import DIGEST_SHA256, SIG_ECDSA_SHA256, SIG_RSA_SHA256

from peers.site import Answer, person, redirect

BINDINGS = {"redirect": BINDING_HTTP_REDIRECT, "POST": BINDING_HTTP_POST}
SIGNATURES = {"RSA": SIG_RSA_SHA256, "EC": SIG_ECDSA_SHA256}
USERNAME = "http://schemas.goauthentik.io/2021/02/saml/username"
NAME = "name"  # what its attribute maps make of the claim

# It reads the same key anew for every provider, which takes longer than a sign-in.
saml2.sigver.import_rsa_key_from_file = functools.cache(saml2.sigver.import_rsa_key_from_file)


class ServiceProvider:
    def __init__(self, site, name):
        self.site, self.name = site, name
        self.url = f"{site.url}/{name}/"
        self.entity_id, self.acs, self.slo = f"{self.url}metadata", f"{self.url}acs", f"{self.url}slo"
        self.waiting = {}

    def configure(self, case, key, decryption_key, idp_entity_id, idp_metadata):
        """`key` signs, `decryption_key` decrypts; the metadata are the identity provider's."""
        self.case, self.idp_entity_id = case, idp_entity_id
        config = {
            "entityid": self.entity_id,
            "service": {
                "sp": {
                    "endpoints": {
                        "assertion_consumer_service": [
                            (self.acs, BINDING_HTTP_POST),
                            (self.acs, BINDING_HTTP_REDIRECT),
                        ],
                    },
                    "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
                    "authn_requests_signed": case.request_key != "unsigned",
                    # In the redirect binding the signature of a response is in the address: see _check_address.
                    "want_response_signed": case.signed in ("response", "both") and case.answer_binding == "POST",
                    "want_assertions_signed": case.signed in ("assertion", "both"),
                }
            },
            "metadata": {"inline": [idp_metadata]},
            "key_file": key.key_file,
            "cert_file": key.certificate_file,
            "encryption_keypairs": [
                {"key_file": decryption_key.key_file, "cert_file": decryption_key.certificate_file}
            ],
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "delete_tmpfiles": True,
            "allow_unknown_attributes": True,
        }
        self.client = Saml2Client(config=SPConfig().load(config))

    def handle(self, action, request):
        if action == "":
            return Answer(body=json.dumps(request.session)) if request.session else self._log_in()
        if action == "acs":
            return self._consume(request)
        return Answer(404, "no such page")

    def _log_in(self):
        signed = self.case.request_key != "unsigned"
        request_id, http = self.client.prepare_for_authenticate(
            binding=BINDINGS[self.case.request_binding],
            response_binding=BINDINGS[self.case.answer_binding],
            relay_state=self.url,
            nameid_format=NAMEID_FORMAT_EMAILADDRESS,
            sign=signed,
            sigalg=SIGNATURES.get(self.case.request_key, SIG_RSA_SHA256),
            digest_alg=DIGEST_SHA256,
        )
        self.waiting[request_id] = self.url
        location = dict(http["headers"]).get("Location")
        return redirect(location) if location else Answer(body=http["data"])

    def _consume(self, request):
        binding = BINDING_HTTP_POST if request.method == "POST" else BINDING_HTTP_REDIRECT
        fields = request.form or request.query
        if request.method == "GET" and self.case.signed in ("response", "both"):
            self._check_address(fields)
        response = self.client.parse_authn_request_response(fields["SAMLResponse"], binding, dict(self.waiting))
        attributes = response.get_identity()
        session = {
            "name_id": response.get_subject().text,
            "username": attributes[USERNAME][0],
            "name": attributes[NAME][0],
        }
        return redirect(fields["RelayState"], session)

    def _check_address(self, query):
        """The library leaves the signature of an answer by redirect to the application, and has a function for it."""
        crypto = self.client.sec.sec_backend or self.client.sec.crypto
        certificates = self.client.metadata.certs(self.idp_entity_id, "idpsso", "signing")
        if not any(verify_redirect_signature(query, crypto, certificate) for _, certificate in certificates):
            raise ValueError("the signature in the address is not good")

    def person(self, page):
        return person(page, self.url)
