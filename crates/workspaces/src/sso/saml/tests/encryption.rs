use saml::{
    AuthnContextClass, AuthnContextComparison, DataEncryption, Encryptor, KeyTransport, SignedParts,
    SpMetadata,
};
use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Reply};

use super::{Configured, Idp, at, request_in, signed_in};
use crate::testing::House;

async fn metadata(admin: &mut Browser, configured: &Configured) -> SpMetadata {
    SpMetadata::parse(&admin.get(&at(&format!("/api/metadata/?id={}", configured.id))).await.bytes).unwrap()
}

async fn step(admin: &mut Browser, configured: &Configured, step: &str) -> Reply {
    let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}/keys", configured.id))).await;
    let form = if step == "remove_second" { "main form[data-confirm]" } else { "form.form" };
    admin.submit(page.form(form).set("step", step)).await
}

both_databases! {
    async fn encrypted_assertions_are_read_and_others_refused_when_wanted(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("want_assertions_encrypted", "on")]).await;
        let ours = metadata(&mut admin, &configured).await;
        let [certificate] = ours.encryption_certificates.as_slice() else { panic!("{ours:?}") };
        assert!(ours.encryption_methods.iter().any(|method| method.ends_with("aes256-gcm")), "{ours:?}");
        assert!(!ours.encryption_methods.iter().any(|method| method.ends_with("-cbc")), "{ours:?}");
        let encryptor = |algorithm| {
            Encryptor::new(certificate.clone(), algorithm, KeyTransport::ALL[0]).unwrap()
        };

        let mut browser = house.browser();
        let reply = configured.sign_in(&house, &mut browser, |answer| answer.encryptor = Some(encryptor(DataEncryption::Aes256Gcm))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(signed_in(&browser).await.as_deref(), Some("Ada Lovelace"));

        let reply = configured.sign_in(&house, &mut admin, |_| ()).await;
        assert_eq!(reply.status, 403);
        assert!(reply.body.contains("Want Assertions Encrypted"), "{}", reply.body);
        let cbc = |answer: &mut super::Answer| {
            (answer.encryptor, answer.signed) = (Some(encryptor(DataEncryption::Aes128Cbc)), SignedParts::Both);
        };
        let reply = configured.sign_in(&house, &mut admin, cbc).await;
        assert_eq!(reply.status, 403);
        assert!(reply.body.contains("CBC"), "{}", reply.body);
        let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}", configured.id))).await;
        admin.submit(page.form("form.form").set("allow_cbc", "on")).await;
        let reply = configured.sign_in(&house, &mut house.browser(), cbc).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    async fn a_key_is_changed_without_a_sign_in_that_fails(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("sign_requests", "on")]).await;
        let old = metadata(&mut admin, &configured).await.signing_certificates.remove(0);
        step(&mut admin, &configured, "make").await;
        let both = metadata(&mut admin, &configured).await;
        assert_eq!((both.signing_certificates.len(), both.encryption_certificates.len()), (2, 2));
        assert_eq!(both.signing_certificates[0], old, "the old one signs until told otherwise");
        let new = both.signing_certificates[1].clone();

        let signs = |certificate: saml::Certificate| {
            let house = &house;
            let configured = &configured;
            async move {
                let request = configured.begin(&mut house.browser()).await;
                request.verify_signature(&[certificate.verifying_key().clone()], false).is_ok()
            }
        };
        assert!(signs(old.clone()).await && !signs(new.clone()).await);
        step(&mut admin, &configured, "change_over").await;
        assert!(!signs(old.clone()).await && signs(new.clone()).await);
        for certificate in [&old, &new] {
            let encryptor = Encryptor::new(certificate.clone(), DataEncryption::Aes256Gcm, KeyTransport::ALL[0]).unwrap();
            let reply = configured.sign_in(&house, &mut house.browser(), |answer| answer.encryptor = Some(encryptor)).await;
            assert_eq!(reply.status, 200, "both decrypt: {}", reply.body);
        }
        step(&mut admin, &configured, "remove_second").await;
        let last = metadata(&mut admin, &configured).await;
        assert_eq!(last.signing_certificates, [new]);
        let encryptor = Encryptor::new(old, DataEncryption::Aes256Gcm, KeyTransport::ALL[0]).unwrap();
        let reply = configured.sign_in(&house, &mut admin, |answer| answer.encryptor = Some(encryptor)).await;
        assert_eq!(reply.status, 403, "{}", reply.body);
    }

    async fn two_certificates_of_the_identity_provider_are_taken_while_it_changes_over(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let (old, new) = (Idp::new(), Idp::new());
        let both = format!("{}{}", old.pem, new.pem);
        let mut configured = Configured::save(&mut admin, old, &[("certificates", &both)]).await;
        assert_eq!(configured.sign_in(&house, &mut house.browser(), |_| ()).await.status, 200);
        configured.idp = new;
        assert_eq!(configured.sign_in(&house, &mut house.browser(), |_| ()).await.status, 200);
        let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}", configured.id))).await;
        admin.submit(page.form("form.form").set("certificates", &configured.idp.pem)).await;
        assert_eq!(configured.sign_in(&house, &mut house.browser(), |_| ()).await.status, 200);
        configured.idp = Idp::new();
        assert_eq!(configured.sign_in(&house, &mut house.browser(), |_| ()).await.status, 403);
    }

    async fn an_authentication_context_is_requested_only_when_set_and_then_required(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        assert_eq!(configured.begin(&mut house.browser()).await.requested_authn_context, None);
        let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}", configured.id))).await;
        let form = page.form("form.form").set("authn_context_comparison", "minimum");
        admin.submit(form.set("authn_context_classes", AuthnContextClass::X509.as_str())).await;
        let request = request_in(&house.browser().get(&at(&format!("/api/sso/{}", configured.id))).await);
        let requested = request.requested_authn_context.unwrap();
        assert_eq!((requested.comparison, requested.classes), (AuthnContextComparison::Minimum, vec![AuthnContextClass::X509]));

        let reply = configured.sign_in(&house, &mut admin, |_| ()).await;
        assert_eq!(reply.status, 403, "a password is weaker");
        assert!(reply.body.contains("Requested authentication context"), "{}", reply.body);
        let strong = |answer: &mut super::Answer| answer.authn_context = AuthnContextClass::MobileTwoFactorContract;
        assert_eq!(configured.sign_in(&house, &mut house.browser(), strong).await.status, 200);
    }
}
