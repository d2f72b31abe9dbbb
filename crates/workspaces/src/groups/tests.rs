use store::both_databases;
use store::testing::TestDatabase;

use super::store as rows;
use super::{ADMINISTRATORS, ALL_USERS, apply_mappings, memberships_of};
use crate::testing::{House, ORIGIN};
use crate::users::{self, NewUser, Profile, Realm};

fn at(path: &str) -> String {
    format!("{ORIGIN}/admin/access/groups{path}")
}

both_databases! {
    async fn a_group_is_made_changed_and_deleted(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let form = admin.get(&at("/new")).await.form("main form").set("name", "Staff");
        let reply = admin.submit(form.clone()).await;
        assert!(reply.body.contains("Staff was saved."), "{}", reply.body);
        let reply = admin.submit(form.clone()).await;
        assert!(reply.body.contains("There is a group of this name already."), "{}", reply.body);
        let reply = admin.submit(form.clone().set("name", "Other").set("priority", "high")).await;
        assert!(reply.body.contains("Write a whole number"), "{}", reply.body);

        let mut conn = house.store.read().await.unwrap();
        let groups = rows::list(&mut conn).await.unwrap();
        let names: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.priority, group.members)).collect();
        assert_eq!(names, [("Administrators", 1, 1), ("All Users", 2, 1), ("Staff", 100, 0)]);
        let staff = &groups[2].id;
        drop(conn);
        let page = admin.get(&at(&format!("/{staff}"))).await;
        admin.submit(page.form("form[action$='/delete']")).await;
        assert_eq!(admin.get(&at(&format!("/{staff}"))).await.status, 404);
    }

    async fn system_groups_can_be_neither_renamed_nor_deleted(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let page = admin.get(&at("/administrators")).await;
        assert!(!page.body.contains("Delete group"));
        let csrf = page.form("main form").value("csrf").unwrap().to_owned();
        let reply = admin.post_form(&at("/administrators/delete"), &[("csrf", &csrf)]).await;
        assert_eq!(reply.status, 400);
        let reply = admin.submit(page.form("main form").set("priority", "7")).await;
        assert!(reply.body.contains("Administrators was saved."), "{}", reply.body);
    }

    async fn mappings_give_and_take_only_what_they_gave(db: TestDatabase) {
        let house = House::open(&db).await;
        house.administrator().await;
        let mut tx = house.store.begin().await.unwrap();
        let config = crate::sso::saml::SamlConfig::new("0".repeat(32));
        crate::sso::saml::save(&mut tx, &house.site, &config).await.unwrap();
        let new = NewUser {
            username: "ada",
            realm: &Realm::Saml(config.id.clone()),
            profile: &Profile::default(),
            password_hash: None,
        };
        let user = users::create(&mut tx, &house.site, &new).await.unwrap();
        rows::set_mapped_values(&mut tx, ADMINISTRATORS, &config.id, &["admins".to_owned()].into()).await.unwrap();

        let mut held = Vec::new();
        for values in [vec!["Administrators"], vec!["staff", "admins"], vec!["staff"]] {
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            apply_mappings(&mut tx, &user.id, &config, &values).await.unwrap();
            let groups = memberships_of(&mut tx, &user.id).await.unwrap();
            held.push(groups.into_iter().filter(|group| group.manual + group.mapped > 0).map(|group| group.id).collect::<Vec<_>>());
        }
        // The name of a group alone gives nothing: an administrator says which value does.
        assert_eq!(held, [vec![ALL_USERS], vec![ADMINISTRATORS, ALL_USERS], vec![ALL_USERS]]);

        super::add_member(&mut tx, ADMINISTRATORS, &user.id).await.unwrap();
        apply_mappings(&mut tx, &user.id, &config, &[]).await.unwrap();
        assert!(users::is_administrator(&mut tx, &user.id).await.unwrap(), "what an administrator gave stays");
    }
}
