"""pysaml2 as an identity provider that lets everybody in as the one user it was made for."""

import base64
import functools

import saml2.sigver
from saml2 import BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.sigver import make_temp, pre_encryption_part, verify_redirect_signature
from saml2.xmldsig import DIGEST_SHA256, SIG_ECDSA_SHA256, SIG_RSA_SHA256

from encryptions import ENCRYPTIONS
from peers.site import Answer, form

SIGNATURES = {"RSA": SIG_RSA_SHA256, "EC": SIG_ECDSA_SHA256}

# It reads the same key anew for every provider, which takes longer than a sign-in.
saml2.sigver.import_rsa_key_from_file = functools.cache(saml2.sigver.import_rsa_key_from_file)


class EncryptingServer(Server):
    """Encrypts with the chosen algorithms; by itself the library knows Triple DES only."""

    encryption = None

    def _encrypt_assertion(self, encrypt_cert, sp_entity_id, response, node_xpath=None):
        if self.encryption is None:
            return super()._encrypt_assertion(encrypt_cert, sp_entity_id, response, node_xpath)
        certificates = self.metadata.certs(sp_entity_id, "any", "encryption")
        if not certificates:
            raise ValueError("the service provider has no certificate for encryption in its metadata")
        lines = ["-----BEGIN CERTIFICATE-----", certificates[0][1], "-----END CERTIFICATE-----", ""]
        file = make_temp("\n".join(lines), decode=False)
        template = pre_encryption_part(msg_enc=self.encryption.data, key_enc=self.encryption.transport)
        return self.sec.encrypt_assertion(
            response, file.name, template, key_type=f"aes-{self.encryption.key_bits}", node_xpath=node_xpath
        )


class IdentityProvider:
    def __init__(self, site, name):
        self.site, self.name = site, name
        self.url = f"{site.url}/{name}/"
        self.entity_id, self.sso = f"{self.url}metadata", f"{self.url}sso"

    def configure(self, case, key, acs, sp_entity_id, sp_metadata):
        self.case, self.acs, self.sp_entity_id = case, acs, sp_entity_id
        self.server = EncryptingServer(
            config=IdPConfig().load(
                {
                    "entityid": self.entity_id,
                    "service": {
                        "idp": {
                            "endpoints": {"single_sign_on_service": [(self.sso, BINDING_HTTP_REDIRECT)]},
                            "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
                            "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
                        }
                    },
                    "key_file": key.key_file,
                    "cert_file": key.certificate_file,
                    "metadata": {"inline": [sp_metadata]},
                    "xmlsec_binary": "/usr/bin/xmlsec1",
                }
            )
        )
        self.server.encryption = ENCRYPTIONS.get(case.encryption)

    def handle(self, action, request):
        if action == "sso":
            return self._answer(self._request(request.query), request.query.get("RelayState"))
        if action == "begin":
            return self._answer(None, None)
        return Answer(404, "no such page")

    def _request(self, query):
        """The ID of the request, once it is read and its signature is checked."""
        request = self.server.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT)
        message = request.message
        found = (message.assertion_consumer_service_url, message.issuer.text, message.destination)
        if found != (self.acs, self.sp_entity_id, self.sso):
            raise ValueError(f"the request says {found}")
        if (self.case.request_key != "unsigned") != ("Signature" in query):
            raise ValueError("the request is signed and should not be, or the other way round")
        if self.case.request_key != "unsigned":
            certificates = self.server.metadata.certs(self.sp_entity_id, "any", "signing")
            crypto = self.server.sec.sec_backend
            if not any(verify_redirect_signature(query, crypto, certificate) for _, certificate in certificates):
                raise ValueError("the signature of the request is not good")
        return message.id

    def respond(self, in_response_to, user, sign_response, sign_assertion):
        return str(
            self.server.create_authn_response(
                identity={"mail": user, "givenName": "Mira", "sn": user.split("@")[0]},
                in_response_to=in_response_to,
                destination=self.acs,
                sp_entity_id=self.sp_entity_id,
                name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=user),
                authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"},
                sign_response=sign_response,
                sign_assertion=sign_assertion,
                sign_alg=SIGNATURES[self.case.algorithm],
                digest_alg=DIGEST_SHA256,
                encrypt_assertion=self.case.encryption != "none",
            )
        )

    def _answer(self, in_response_to, relay_state):
        signed = self.case.signed
        xml = self.respond(
            in_response_to, self.case.user, signed in ("response", "both"), signed in ("assertion", "both")
        )
        fields = {"SAMLResponse": base64.b64encode(xml.encode()).decode()}
        if relay_state is not None:
            fields["RelayState"] = relay_state
        return form(self.acs, fields)
