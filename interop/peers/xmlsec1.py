"""The program xmlsec1: signs, encrypts, verifies and decrypts; and an identity provider made of nothing else."""

import base64
import datetime
import html
import os
import secrets
import subprocess
import tempfile
import zlib
from xml.etree import ElementTree

from encryptions import ENCRYPTIONS
from peers.site import Answer, form

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"
RESPONSE = "urn:oasis:names:tc:SAML:2.0:protocol:Response"
REQUEST = "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest"
ENTITY = "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor"

# What it can sign with: key, SignatureMethod, DigestMethod.
ALGORITHMS = {
    "RSA-SHA256": ("RSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
    "RSA-SHA384": ("RSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#sha384"),
    "RSA-SHA512": ("RSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512"),
    "ECDSA-SHA256": ("EC", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
    "ECDSA-SHA384": ("EC", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#sha384"),
    "ECDSA-SHA512": ("EC", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512"),
}

SIGNATURE = """<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="{method}"/>
<ds:Reference URI="#{id}"><ds:Transforms>
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>
<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"""

ENCRYPTED_DATA = """<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"
 xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Type="http://www.w3.org/2001/04/xmlenc#Element">
<xenc:EncryptionMethod Algorithm="{data}"/><ds:KeyInfo><xenc:EncryptedKey>
<xenc:EncryptionMethod Algorithm="{transport}">{parameters}</xenc:EncryptionMethod>
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"""

SHA256_PARAMETERS = """<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>"""

MESSAGE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{response_id}" Version="2.0" IssueInstant="{now}" Destination="{acs}"{in_response_to}>
<saml:Issuer>{issuer}</saml:Issuer>{response_signature}
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion ID="{assertion_id}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer>{assertion_signature}
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{user}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{later}" Recipient="{acs}"{in_response_to}/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{now}" NotOnOrAfter="{later}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="{session}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute Name="givenName"><saml:AttributeValue>Mira</saml:AttributeValue></saml:Attribute><saml:Attribute Name="sn"><saml:AttributeValue>{surname}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>
</saml:Assertion></samlp:Response>"""


class Failed(Exception):
    """The program said no; what it said."""


def _run(arguments, **files):
    """Runs it on files made for this call; `{name}` in the arguments is the file of that name."""
    with tempfile.TemporaryDirectory(prefix="innkeeper-xmlsec1-") as directory:
        paths = {name: os.path.join(directory, name) for name in [*files, "output"]}
        for name, content in files.items():
            with open(paths[name], "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        command = ["xmlsec1", *(argument.format(**paths) for argument in arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(done.stderr)
        if os.path.exists(paths["output"]):
            with open(paths["output"], "rb") as file:
                return file.read()
        return b""


def _signature_of(node):
    return f"//*[local-name()='{node.rsplit(':', 1)[1]}']/*[local-name()='Signature']"


def verify(xml, certificate, node):
    """Raises `Failed` unless the signature of the element that `node` names is good."""
    arguments = ["--verify", "--pubkey-cert-pem", "{certificate}", "--id-attr:ID", node, "--node-xpath", _signature_of(node)]
    _run([*arguments, "{message}"], certificate=certificate, message=xml)


def sign(xml, key, node):
    """Fills in the template of a signature of the element that `node` names."""
    arguments = ["--sign", "--privkey-pem", "{key}", "--id-attr:ID", node, "--node-xpath", _signature_of(node)]
    return _run([*arguments, "--output", "{output}", "{message}"], key=key, message=xml)


def encrypt(xml, certificate, encryption, xpath):
    """Replaces the element that `xpath` names by its EncryptedData."""
    template = ENCRYPTED_DATA.format(
        data=encryption.data, transport=encryption.transport, parameters=SHA256_PARAMETERS if encryption.sha256 else ""
    )
    arguments = ["--encrypt", "--pubkey-cert-pem", "{certificate}", "--session-key", f"aes-{encryption.key_bits}"]
    arguments += ["--xml-data", "{message}", "--node-xpath", xpath, "--output", "{output}", "{template}"]
    return _run(arguments, certificate=certificate, message=xml, template=template)


def decrypt(xml, key):
    """Replaces each EncryptedData by what is in it."""
    return _run(["--decrypt", "--privkey-pem", "{key}", "--output", "{output}", "{message}"], key=key, message=xml)


def encryption_certificate(metadata):
    """The certificate that metadata give for encryption, in PEM."""
    names = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}
    for descriptor in ElementTree.fromstring(metadata).iterfind(".//md:KeyDescriptor", names):
        if descriptor.get("use") in (None, "encryption"):
            text = descriptor.find(".//ds:X509Certificate", names).text
            return f"-----BEGIN CERTIFICATE-----\n{text.strip()}\n-----END CERTIFICATE-----\n"
    raise AssertionError("the metadata have no certificate for encryption")


class IdentityProvider:
    """Answers with a message written by hand, which xmlsec1 signs and encrypts."""

    def __init__(self, site, name):
        self.url = f"{site.url}/{name}/"
        self.entity_id, self.sso = f"{self.url}metadata", f"{self.url}sso"

    def configure(self, case, key, acs, sp_entity_id, sp_metadata):
        self.case, self.key, self.acs, self.sp_entity_id, self.sp_metadata = case, key, acs, sp_entity_id, sp_metadata

    def handle(self, action, request):
        if action == "sso":
            xml = zlib.decompress(base64.b64decode(request.query["SAMLRequest"]), -15)
            return self._answer(ElementTree.fromstring(xml).get("ID"), request.query.get("RelayState", ""))
        if action == "begin":
            return self._answer(None, "")
        return Answer(404, "no such page")

    def _answer(self, in_response_to, relay_state):
        xml = self._encrypted(self._signed_assertion(self._message(in_response_to)))
        if self.case.signed in ("response", "both"):
            xml = sign(xml, self.key.key, RESPONSE)
        return form(self.acs, {"SAMLResponse": base64.b64encode(xml).decode(), "RelayState": relay_state})

    def _message(self, in_response_to):
        now = datetime.datetime.now(datetime.timezone.utc)
        moment = lambda when: when.strftime("%Y-%m-%dT%H:%M:%SZ")
        ids = {"response_id": f"_{secrets.token_hex(16)}", "assertion_id": f"_{secrets.token_hex(16)}"}
        _, method, digest = ALGORITHMS[self.case.algorithm]
        signature = lambda name: SIGNATURE.format(method=method, digest=digest, id=ids[name])
        return MESSAGE.format(
            **ids, now=moment(now), later=moment(now + datetime.timedelta(minutes=5)), acs=html.escape(self.acs),
            issuer=self.entity_id, audience=html.escape(self.sp_entity_id), user=self.case.user, surname=self.case.name,
            session=secrets.token_hex(8), in_response_to=f' InResponseTo="{in_response_to}"' if in_response_to else "",
            response_signature=signature("response_id") if self.case.signed in ("response", "both") else "",
            assertion_signature=signature("assertion_id") if self.case.signed in ("assertion", "both") else "",
        ).encode()

    def _signed_assertion(self, xml):
        return sign(xml, self.key.key, ASSERTION) if self.case.signed in ("assertion", "both") else xml

    def _encrypted(self, xml):
        encryption = ENCRYPTIONS[self.case.encryption]
        if encryption is None:
            return xml
        xml = xml.replace(b"<saml:Assertion ", b"<saml:EncryptedAssertion><saml:Assertion ")
        xml = xml.replace(b"</saml:Assertion>", b"</saml:Assertion></saml:EncryptedAssertion>")
        certificate = encryption_certificate(self.sp_metadata)
        return encrypt(xml, certificate, encryption, "//*[local-name()='EncryptedAssertion']/*[local-name()='Assertion']")
