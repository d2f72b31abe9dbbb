"""Keys and certificates of the peers, made by openssl."""

import os
import subprocess


class KeyPair:
    """A private key with a certificate that it signed itself, as files and as text."""

    def __init__(self, directory, name, kind):
        self.name, self.kind = name, kind
        self.key_file = os.path.join(directory, f"{name}.key")
        self.certificate_file = os.path.join(directory, f"{name}.crt")
        subprocess.run(
            ["openssl", "req", "-x509", *_KINDS[kind], "-nodes", "-keyout", self.key_file, "-out",
             self.certificate_file, "-days", "10", "-subj", f"/CN={name}"],
            check=True, capture_output=True,
        )
        with open(self.key_file) as file:
            self.key = file.read()
        with open(self.certificate_file) as file:
            self.certificate = file.read()

    @property
    def base64(self):
        """The certificate as metadata have it: without its BEGIN and END lines."""
        return "".join(line for line in self.certificate.splitlines() if not line.startswith("-----"))


_KINDS = {
    "RSA": ["-newkey", "rsa:2048"],
    "EC": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EC P-384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
}
