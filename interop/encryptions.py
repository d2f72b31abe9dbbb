"""How assertions are encrypted: the columns of the tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Encryption:
    data: str  # the algorithm of the content, as a URI
    transport: str  # and that of its key
    key_bits: int
    sha256: bool  # in OAEP and its mask; else SHA-1

    @property
    def is_cbc(self):
        return self.data.endswith("-cbc")


_DATA = {
    "AES-128-GCM": ("http://www.w3.org/2009/xmlenc11#aes128-gcm", 128),
    "AES-256-GCM": ("http://www.w3.org/2009/xmlenc11#aes256-gcm", 256),
    "AES-128-CBC": ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", 128),
    "AES-256-CBC": ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", 256),
}
_OAEP_SHA1 = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
_OAEP_SHA256 = "http://www.w3.org/2009/xmlenc11#rsa-oaep"

# None: not encrypted.
ENCRYPTIONS = {"none": None}
for _name, (_uri, _bits) in _DATA.items():
    ENCRYPTIONS[_name] = Encryption(_uri, _OAEP_SHA1, _bits, False)
    ENCRYPTIONS[f"{_name}, OAEP-SHA256"] = Encryption(_uri, _OAEP_SHA256, _bits, True)

NOTE = (
    "The columns say how the assertion is encrypted. Its key travels by RSA-OAEP with SHA-1 and MGF1-SHA-1 "
    "(`rsa-oaep-mgf1p`), or where the column says so with SHA-256 and MGF1-SHA-256 (`xmlenc11#rsa-oaep`)."
)
