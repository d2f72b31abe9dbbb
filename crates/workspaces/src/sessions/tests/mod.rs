mod keeping;
mod launching;
mod viewing;

use testkit::{Browser, Reply};

use super::testing::link_to;
use crate::testing::ORIGIN;

/// Deletes a session by the button on the dashboard.
async fn delete(browser: &mut Browser, id: &str) -> Reply {
    let page = browser.get(&format!("{ORIGIN}/")).await;
    let form = page.form(&format!("form[action='/session/{id}/delete']"));
    browser.submit(form).await
}

/// Changes an account on the administrator's page.
async fn disable(administrator: &mut Browser, username: &str) {
    let list = administrator.get(&format!("{ORIGIN}/admin/access/users")).await;
    let page = administrator.get(&link_to(&list, username)).await;
    let reply = administrator.submit(page.form("main form.form").set("disabled", "on")).await;
    assert!(reply.status.is_success(), "{}", reply.body);
}

/// The token that the page of a session would send with its requests.
async fn csrf(browser: &mut Browser) -> String {
    let page = browser.get(&format!("{ORIGIN}/")).await;
    page.form("form").value("csrf").unwrap().to_owned()
}
