"""What people do on Innkeeper's pages."""

import html
import re

from browser import Browser

PASSWORD = "a sentence that is long enough"


def identity_administrator(inn):
    """The first administrator of Identity, through the setup link; signed in."""
    browser = Browser()
    page = browser.get(inn.link(r"auth\.localhost.*initial-setup.*token="))
    browser.submit(
        page, "password_again", username="akadmin", email="admin@example.com", name="Ada Admin",
        password=PASSWORD, password_again=PASSWORD,
    )
    return browser


def workspaces_administrator(inn):
    """The first administrator of Workspaces, through the setup link; signed in."""
    browser = Browser()
    page = browser.get(inn.link(r"workspaces\.localhost.*setup.*token="))
    browser.submit(page, "password_again", username="admin", password=PASSWORD, password_again=PASSWORD)
    return browser


def application(browser, inn, slug, acs_url, audience, **changes):
    """Creates an application with a SAML provider; returns the certificate that it signs with, in PEM, unless it is given."""
    page = browser.get(f"{inn.identity}/if/admin/applications/new/")
    page = browser.submit(page, "acs_url", name=slug, slug=slug, acs_url=acs_url, audience=audience, **changes)
    assert page.status == 200, f"the application was not created: {page.words()}"
    if "signing_kp" in changes:
        return None
    page = browser.get(f"{inn.identity}/if/admin/providers/")
    link = re.search(rf'href="(/if/admin/providers/saml/[^"/]+/)"[^>]*>\s*{slug}\s*<', page.body)
    assert link, f"no provider {slug} in the list:\n{page.words()}"
    certificate = browser.get(f"{inn.identity}{link.group(1)}certificate/")
    assert certificate.status == 200, certificate.body
    return certificate.body


def sign_in(browser, page, username="akadmin"):
    """Signs in on Identity's page and returns where that leads."""
    return browser.submit(page, "password", uid_field=username, password=PASSWORD)


def answer(page):
    """The SAMLResponse and RelayState of the self-submitting page."""
    form = page.form("SAMLResponse")
    fields = dict(form.fields)
    return form.action, fields["SAMLResponse"], fields.get("RelayState")


def saml_configuration(browser, inn, **changes):
    """Creates an enabled configuration in Workspaces, the default one unless told otherwise; returns its ACS and entity ID addresses."""
    page = browser.get(f"{inn.workspaces}/admin/access/authentication/saml/new")
    acs = html.unescape(re.search(r'id="sp-acs" value="([^"]+)"', page.body).group(1))
    entity_id = html.unescape(re.search(r'id="sp-entity-id" value="([^"]+)"', page.body).group(1))
    page = browser.submit(page, "display_name", enabled="on", then="save", **{"is_default": "on", **changes})
    assert page.status == 200, f"the configuration was not saved: {page.words()}"
    return acs, entity_id


def import_certificate(browser, inn, name, certificate, private_key=""):
    """Imports a certificate into Identity, with its key if there is one; returns its id."""
    page = browser.get(f"{inn.identity}/if/admin/certificates/import/")
    page = browser.submit(page, "private_key", name=name, certificate=certificate, private_key=private_key)
    found = re.search(r"/if/admin/certificates/([^/]+)/$", page.url)
    assert page.status == 200 and found, f"the certificate was not imported: {page.words()}"
    return found.group(1)
