"""What the peers are, and which versions of them are installed."""

import importlib.metadata
import subprocess

# In the order of the page.
INTRODUCTIONS = {
    "mod_auth_mellon": "Apache's module for SAML, as Debian ships it: a service provider behind Identity.",
    "python3-saml": "The library that Kasm itself uses: a service provider behind Identity.",
    "pysaml2": "A library for both roles: a service provider behind Identity, and an identity provider before Workspaces.",
    "xmlsec1": (
        "The program that most of the others stand on, by itself: it verifies and decrypts what Identity sends, and "
        "signs and encrypts what Workspaces reads."
    ),
}


def _debian(package):
    command = ["dpkg-query", "-W", "-f", "${Version}", package]
    found = subprocess.run(command, capture_output=True, text=True)
    return f"{package} {found.stdout or 'not from Debian'}"


def _python(package):
    return f"{package} {importlib.metadata.version(package)}"


def of(peer):
    """The versions that a peer's tests ran with, in words."""
    xmlsec1 = subprocess.run(["xmlsec1", "--version"], capture_output=True, text=True).stdout.strip()
    words = {
        "mod_auth_mellon": [_debian("libapache2-mod-auth-mellon"), _debian("liblasso3"), _debian("apache2-bin")],
        "python3-saml": [_python("python3-saml"), _python("xmlsec")],
        "pysaml2": [_python("pysaml2"), xmlsec1],
        "xmlsec1": [xmlsec1],
    }
    return ", ".join(words[peer])
