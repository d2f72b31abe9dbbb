use saml::Attribute;
use store::both_databases;
use store::testing::TestDatabase;
use testkit::Browser;

use super::{Answer, Configured, Idp, at, users};
use crate::testing::{House, link};

const GROUP: &str = "http://schemas.xmlsoap.org/claims/Group";

/// The fields of a person's profile as the administrator's page shows them.
async fn profile(admin: &mut Browser, username: &str) -> Vec<String> {
    let list = admin.get(&at("/admin/access/users")).await;
    let form = admin.get(&link(&list, username)).await.form("form.form");
    let fields = ["first_name", "last_name", "email", "phone", "organization", "notes"];
    fields.iter().map(|field| form.value(field).unwrap_or_default().trim().to_owned()).collect()
}

async fn map(admin: &mut Browser, group: &str, configured: &Configured, values: &str) -> testkit::Reply {
    let page = admin.get(&at(&format!("/admin/access/groups/{group}"))).await;
    admin.submit(page.form("form.form").set(&format!("mapping-{}", configured.id), values)).await
}

/// The groups of the person of the little identity provider.
async fn groups_of_ada(admin: &mut Browser) -> String {
    users(admin).await.into_iter().find(|user| user.0 == "ada@example.com").unwrap().2
}

fn brings(values: &'static [&'static str]) -> impl FnOnce(&mut Answer) {
    move |answer| answer.attributes = vec![Attribute::new(GROUP, values.iter().copied())]
}

/// Nobody but the person of the identity provider can administer any more.
async fn only_ada_administers(house: &House) {
    let mut tx = house.store.begin().await.unwrap();
    sqlx::query("UPDATE workspaces_users SET disabled = 1 WHERE realm = 'local'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

both_databases! {
    async fn attributes_fill_the_profile_at_each_sign_in(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let rows = [
            ("profile_mapping-0-attribute", "ext-12"),
            ("profile_mapping-0-match_by", "friendly_name"),
            ("profile_mapping-0-field", "phone"),
            ("profile_mapping-1-attribute", "department"),
            ("profile_mapping-1-match_by", "name"),
            ("profile_mapping-1-field", "notes"),
            ("profile_mapping-2-attribute", "nick"),
            ("profile_mapping-2-field", "first_name"),
        ];
        let configured = Configured::save(&mut admin, Idp::new(), &rows).await;
        let mut extension = Attribute::new("urn:example:extension", ["+44 1"]);
        extension.friendly_name = Some("ext-12".into());
        let mut decoy = Attribute::new("urn:example:other", ["not by FriendlyName"]);
        decoy.friendly_name = Some("department".into());
        let attributes = vec![
            extension,
            decoy,
            Attribute::new("nick", ["Countess"]),
            Attribute::new("givenName", ["Augusta"]),
            Attribute::new("urn:oid:2.5.4.4", ["Lovelace"]),
            Attribute::new("urn:oid:2.5.4.10", ["Analytical Society"]),
        ];
        configured.sign_in(&house, &mut house.browser(), |answer| answer.attributes = attributes).await;
        let expected = ["Countess", "Lovelace", "ada@example.com", "+44 1", "Analytical Society", ""];
        assert_eq!(profile(&mut admin, "ada@example.com").await, expected);

        let later = vec![Attribute::new("department", ["Engines"]), Attribute::new("sn", ["King"])];
        configured.sign_in(&house, &mut house.browser(), |answer| answer.attributes = later).await;
        let expected = ["Countess", "King", "ada@example.com", "+44 1", "Analytical Society", "Engines"];
        assert_eq!(profile(&mut admin, "ada@example.com").await, expected, "what is not said stays");
    }

    async fn without_the_well_known_names_only_the_rows_count(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let rows = [
            ("well_known_attributes", "off"),
            ("profile_mapping-0-attribute", "sn"),
            ("profile_mapping-0-field", "last_name"),
        ];
        let configured = Configured::save(&mut admin, Idp::new(), &rows).await;
        let attributes = vec![Attribute::new("givenName", ["Augusta"]), Attribute::new("sn", ["King"])];
        configured.sign_in(&house, &mut house.browser(), |answer| answer.attributes = attributes).await;
        assert_eq!(profile(&mut admin, "ada@example.com").await, ["", "King", "", "", "", ""]);
    }

    async fn the_mode_says_whether_a_sign_in_gives_or_takes(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("group_member_attribute", GROUP)]).await;
        map(&mut admin, "administrators", &configured, "admins").await;
        let (both, all) = ("Administrators, All Users", "All Users");
        for (mode, values, after) in [
            ("remove", &["admins"] as &[&str], all),
            ("add", &["Admins"], all),
            ("add", &["admins"], both),
            ("add", &[], both),
            ("remove", &["admins"], both),
            ("remove", &[], all),
            ("both", &["admins"], both),
            ("both", &["staff"], all),
        ] {
            let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}", configured.id))).await;
            admin.submit(page.form("form.form").set("group_mapping_mode", mode)).await;
            configured.sign_in(&house, &mut house.browser(), brings(values)).await;
            assert_eq!(groups_of_ada(&mut admin).await, after, "{mode} {values:?}");
        }
    }

    async fn a_group_for_everybody_and_a_page_of_what_leads_where(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("group_member_attribute", GROUP)]).await;
        let new = admin.get(&at("/admin/access/groups/new")).await;
        let form = new.form("form.form").set("name", "Staff").set(&format!("all-{}", configured.id), "on");
        admin.submit(form).await;
        map(&mut admin, "administrators", &configured, "Domain Users\nadmins").await;
        configured.sign_in(&house, &mut house.browser(), brings(&["domain users", "staff"])).await;
        assert_eq!(groups_of_ada(&mut admin).await, "All Users, Staff", "for everybody, and case as given");

        let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}/groups", configured.id))).await;
        let values = page.texts("td[data-label=Value]");
        assert_eq!(values, ["Domain Users", "admins", "domain users", "staff"], "mapped ones, then those that lead nowhere");
        assert_eq!(page.texts("td[data-label=Groups]"), ["Administrators", "Administrators"]);
        assert!(page.texts("dd").iter().any(|text| text == "Staff"), "{}", page.body);
    }

    async fn the_last_administrator_stays_one_and_changes_that_would_remove_them_are_warned_of(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("group_member_attribute", GROUP)]).await;
        map(&mut admin, "administrators", &configured, "admins").await;
        let mut ada = house.browser();
        configured.sign_in(&house, &mut ada, brings(&["admins"])).await;
        only_ada_administers(&house).await;

        let config = format!("/admin/access/authentication/saml/{}", configured.id);
        let reply = map(&mut ada, "administrators", &configured, "others").await;
        assert_eq!(reply.status, 422);
        assert!(reply.body.contains("ada@example.com") && reply.body.contains("Save all the same"), "{}", reply.body);
        let page = ada.get(&at(&config)).await;
        let reply = ada.submit(page.form("form.form").set("group_member_attribute", "renamed")).await;
        assert!(reply.status == 422 && reply.body.contains("Save all the same"), "{}", reply.body);
        let reply = ada.submit(page.form("form.form").untick("enabled")).await;
        assert!(reply.status == 422 && reply.body.contains("Make a local account an administrator first"), "{}", reply.body);
        assert_eq!(ada.submit(page.form("form[action$='/delete']")).await.status, 400);
        let reply = ada.submit(page.form("form.form").set("group_mapping_mode", "add")).await;
        assert_eq!(reply.status, 200, "adding takes nobody out: {}", reply.body);
        let page = ada.get(&at(&config)).await;
        ada.submit(page.form("form.form").set("group_mapping_mode", "both")).await;

        let page = ada.get(&at("/admin/access/groups/administrators")).await;
        let form = page.form("form.form").set(&format!("mapping-{}", configured.id), "others");
        let warned = ada.submit(form).await;
        let reply = ada.submit(warned.form("form.form").set("confirm_last_administrator", "on")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        configured.sign_in(&house, &mut ada, brings(&["admins"])).await;
        assert_eq!(ada.get(&at("/admin/")).await.status, 200, "still an administrator");
        let events = ada.get(&at("/admin/events/")).await;
        assert!(events.body.contains("Last administrator kept"), "{}", events.body);
    }
}
