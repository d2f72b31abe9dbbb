"""Apache with mod_auth_mellon, started as a child process on a loopback port, from a folder of its own."""

import html
import os
import pwd
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from innkeeper import free_port

APACHE = "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"

CONFIGURATION = """
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ServerRoot {root}
DefaultRuntimeDir {root}
PidFile {root}/apache.pid
ErrorLog {root}/error.log
LogLevel warn auth_mellon:info
DocumentRoot {root}/htdocs
{modules}
TypesConfig /dev/null
DirectoryIndex index.shtml
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
AddType text/plain .txt
<Directory {root}/htdocs>
    Options +Includes
    Require all granted
</Directory>
MellonCacheSize 100
MellonLockFile {root}/mellon.lock
{locations}
"""

# Everything under /NAME/ asks for a sign-in; the page there prints what the module tells applications.
LOCATION = """
Alias /{name}/ {root}/htdocs/
<Location /{name}/>
    AuthType Mellon
    Require valid-user
    MellonEnable auth
    MellonVariable {name}
    MellonEndpointPath /{name}/mellon
    MellonSPMetadataFile {root}/{name}.sp.xml
    MellonSPPrivateKeyFile {key}
    MellonSPCertFile {certificate}
    MellonIdPMetadataFile {root}/{name}.idp.xml
    MellonSetEnv username http://schemas.goauthentik.io/2021/02/saml/username
    MellonSetEnv name http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name
    {more}
</Location>
"""

SP_METADATA = """<EntityDescriptor entityID="{entity_id}" xmlns="urn:oasis:names:tc:SAML:2.0:metadata"
    xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="{signed}">
    <KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{base}/logout"/>
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{base}/logout"/>
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="{base}/logout"/>
    <NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>
    <AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{base}/postResponse"/>
  </SPSSODescriptor>
</EntityDescriptor>
"""


class ServiceProvider:
    """One protected place of the Apache; it is there once the Apache runs."""

    def __init__(self, apache, name):
        self.name = name
        self.url = f"{apache.url}/{name}/"
        self.entity_id = f"{self.url}mellon/metadata"
        self.acs = f"{self.url}mellon/postResponse"
        self.slo = f"{self.url}mellon/logout"

    def log_out_url(self, then):
        return f"{self.slo}?ReturnTo={then}"

    def person(self, page):
        """What the module tells the application about who is signed in, from the page of the protected place."""
        if page.url != self.url or page.status != 200:
            raise AssertionError(page.words())
        found = dict(re.findall(r"^([^=\n]+)=(.*)$", page.body, re.M))
        value = lambda name: html.unescape(found.get(name, ""))
        return {"name_id": value("MELLON_NAME_ID"), "username": value("MELLON_username"), "name": value("MELLON_name")}


class Mellon:
    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="innkeeper-mellon-")
        self.root = self.directory.name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.locations = []
        self.process = None
        os.mkdir(os.path.join(self.root, "htdocs"))
        self._write("htdocs/index.shtml", "<pre>\n<!--#printenv -->\n</pre>\n")

    def _write(self, name, text):
        with open(os.path.join(self.root, name), "w") as file:
            file.write(text)

    def add(self, name, key, idp_metadata, sign_requests, more=""):
        """A protected place for one configuration of the identity provider."""
        sp = ServiceProvider(self, name)
        self._write(f"{name}.idp.xml", idp_metadata)
        self._write(f"{key.name}.key", key.key)
        self._write(f"{key.name}.crt", key.certificate)
        self._write(
            f"{name}.sp.xml",
            SP_METADATA.format(
                entity_id=sp.entity_id, certificate=key.base64, base=f"{sp.url}mellon",
                signed="true" if sign_requests else "false",
            ),
        )
        self.locations.append(
            LOCATION.format(
                name=name, root=self.root, key=f"{self.root}/{key.name}.key",
                certificate=f"{self.root}/{key.name}.crt", more=more,
            )
        )
        return sp

    def start(self):
        modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "alias", "dir", "mime", "include", "auth_mellon"]
        lines = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in modules)
        self._write(
            "apache.conf",
            CONFIGURATION.format(port=self.port, root=self.root, modules=lines, locations="".join(self.locations)),
        )
        # Apache never serves pages as root; as its own user it needs no root at all.
        user = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("www-data")
            for folder, _, files in os.walk(self.root):
                for path in [folder, *(os.path.join(folder, name) for name in files)]:
                    os.chown(path, account.pw_uid, account.pw_gid)
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.process = subprocess.Popen(
            [APACHE, "-X", "-f", os.path.join(self.root, "apache.conf")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.root,
            # Its XML library would read the machine's authorities anew for every message: 50 ms each, and none is asked.
            env={**os.environ, "SSL_CERT_FILE": "/dev/null"}, **user,
        )
        deadline = time.monotonic() + 30
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Apache did not start:\n{self.process.stdout.read()}\n{self.log()}")
            time.sleep(0.05)

    def _answers(self):
        try:
            urllib.request.urlopen(f"{self.url}/", timeout=5).close()
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def log(self):
        """The last lines of the error log."""
        try:
            with open(os.path.join(self.root, "error.log")) as file:
                return file.read()[-3000:]
        except FileNotFoundError:
            return ""

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process.stdout.close()
        self.directory.cleanup()
