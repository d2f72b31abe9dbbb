//! Signatures of requests, and how answers are signed and encrypted.

use saml::{
    DataEncryption, DecryptionKey, DigestAlgorithm, KeyTransport, SignatureAlgorithm, Signer, SigningKey,
};

use super::*;

/// The private key and the certificate of an id, as PEM and read.
async fn keypair(fixture: &Fixture, id: &str) -> (String, Certificate) {
    let mut conn = fixture.store.read().await.unwrap();
    let pem = crate::certificates::private_key(&mut conn, &fixture.app.sealer, id).await.unwrap().unwrap();
    let found = crate::certificates::find(&mut conn, id).await.unwrap().unwrap();
    (pem, Certificate::parse(found.certificate_pem.as_bytes()).unwrap())
}

fn signer(pem: &str, certificate: &Certificate, algorithm: SignatureAlgorithm) -> Signer {
    let key = SigningKey::from_pkcs8_pem(pem).unwrap();
    Signer::new(key, certificate.clone(), algorithm, DigestAlgorithm::Sha256).unwrap()
}

both_databases! {
    async fn signatures_of_requests_count_as_the_provider_says(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let view = kasm(&mut admin, &[]).await;
        let edit = format!("{}edit/", view.url);
        let post = format!("{ORIGIN}{POST}");
        let redirect = format!("{ORIGIN}{REDIRECT}");
        let stranger = generated(&mut admin, "Stranger", "rsa2048").await;
        let stranger = SigningKey::from_pkcs8_pem(&keypair(&fixture, &stranger).await.0).unwrap();
        for (name, kind, algorithm) in [
            ("RSA", "rsa2048", SignatureAlgorithm::RsaSha256),
            ("EC", "ecp256", SignatureAlgorithm::EcdsaSha256),
        ] {
            let id = generated(&mut admin, name, kind).await;
            let (pem, certificate) = keypair(&fixture, &id).await;
            let key = SigningKey::from_pkcs8_pem(&pem).unwrap();
            let signer = signer(&pem, &certificate, algorithm);
            let unsigned = by_redirect(&request(&fixture), None);
            let good = request(&fixture).redirect_url(&redirect, Some("x y"), Some(&key)).unwrap();
            let bad = request(&fixture).redirect_url(&redirect, None, Some(&stranger)).unwrap();
            let enveloped = request(&fixture).destination(&post).post_value(Some(&signer)).unwrap();
            let tampered = good.replace("RelayState=x%20y", "RelayState=z");
            let unknown = good.replace("%2304", "%2305").replace("sha256", "md5");
            for (rule, expected) in [
                ("required", [400, 200, 400, 400, 400]),
                ("optional", [200, 200, 400, 400, 400]),
                ("ignored", [200, 200, 200, 200, 200]),
            ] {
                let changes = [("verification_kp", id.as_str()), ("request_signatures", rule)];
                fill(&mut admin, &edit, "#provider", &changes).await;
                for (url, expected) in [&unsigned, &good, &bad, &tampered, &unknown].into_iter().zip(expected) {
                    let reply = admin.get(url).await;
                    assert_eq!(reply.status.as_u16(), expected, "{rule} {url}: {}", reply.body);
                    assert_eq!(reply.body.contains("SAMLResponse"), expected == 200);
                }
                let form = Request::post_form(&post, &[("SAMLRequest", &enveloped)]).cross_site();
                assert_eq!(admin.send(form).await.texts("h1"), ["Redirecting to kasm…"]);
                let metadata = admin.get(&format!("{ORIGIN}/application/saml/kasm/metadata/")).await;
                let metadata = saml::IdpMetadata::parse(&metadata.bytes).unwrap();
                assert_eq!(metadata.want_authn_requests_signed, rule == "required");
            }
        }
        // Without a verified signature nothing is sent, not even a status.
        fill(&mut admin, &edit, "#provider", &[("request_signatures", "required")]).await;
        let unfit = by_redirect(&request(&fixture).name_id_format(NameIdFormat::Kerberos), None);
        let reply = admin.get(&unfit).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.body.contains("set Request signatures to Optional"), "{}", reply.body);
    }

    async fn sha1_counts_only_where_it_is_allowed(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let id = generated(&mut admin, "RSA", "rsa2048").await;
        let view = kasm(&mut admin, &[("verification_kp", &id)]).await;
        let unsigned = by_redirect(&request(&fixture), None);
        let algorithm = "&SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1";
        let url = format!("{unsigned}{algorithm}&Signature={}", "AAAA".repeat(85));
        let refused = admin.get(&url).await.texts("[role=alert]").concat();
        assert!(refused.contains("SHA-1"), "{refused}");
        fill(&mut admin, &format!("{}edit/", view.url), "#provider", &[("allow_sha1", "on")]).await;
        // Now it is looked at, and it is none.
        let refused = admin.get(&url).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(!refused.texts("[role=alert]").concat().contains("SHA-1"), "{}", refused.body);
    }

    async fn answers_are_signed_as_the_provider_says(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let view = kasm(&mut admin, &[]).await;
        let edit = format!("{}edit/", view.url);
        let rsa = certificate_named(&fixture, "Innkeeper Self-signed Certificate").await;
        let ec = generated(&mut admin, "EC", "ecp256").await;
        let ec384 = generated(&mut admin, "EC 384", "ecp384").await;
        for (id, algorithm, digest) in [
            (&rsa, SignatureAlgorithm::RsaSha256, DigestAlgorithm::Sha256),
            (&rsa, SignatureAlgorithm::RsaSha384, DigestAlgorithm::Sha384),
            (&rsa, SignatureAlgorithm::RsaSha512, DigestAlgorithm::Sha512),
            (&ec, SignatureAlgorithm::EcdsaSha256, DigestAlgorithm::Sha512),
            (&ec384, SignatureAlgorithm::EcdsaSha384, DigestAlgorithm::Sha384),
        ] {
            let (_, certificate) = keypair(&fixture, id).await;
                for parts in [SignedParts::Assertion, SignedParts::Response, SignedParts::Both] {
                    let mut form = admin.get(&edit).await.form("#provider").set("signing_kp", id);
                    form = form.set("signature_algorithm", algorithm.as_str()).set("digest_algorithm", digest.as_str());
                    form = form.untick("sign_assertion").untick("sign_response");
                    if parts.assertion() {
                        form = form.set("sign_assertion", "on");
                    }
                    if parts.response() {
                        form = form.set("sign_response", "on");
                    }
                    let saved = admin.submit(form).await;
                    assert_eq!(saved.url.path(), view.url.path(), "{:?}", mistakes(&saved));
                    let reply = admin.get(&by_redirect(&request(&fixture), None)).await;
                    let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
                    assert_eq!(assertion.covered(), parts);
                    let response = reply.form("form[data-autosubmit]").value("SAMLResponse").unwrap().to_owned();
                    let xml = String::from_utf8(base64(&response)).unwrap();
                    assert!(xml.contains(algorithm.as_str()) && xml.contains(digest.as_str()), "{xml}");
                }
        }
    }

    async fn the_answer_in_an_address_is_signed_beside_the_message(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("sp_binding", "redirect"), ("sign_response", "on")]).await;
        let certificate = signing_certificate(&mut admin).await;
        let asked = request(&fixture).protocol_binding(saml::Binding::HttpRedirect);
        let target = admin.get(&by_redirect(&asked, Some("a b"))).await.redirect().unwrap();
        let query = target.query().unwrap();
        let (signed, signature) = query.split_once("&Signature=").unwrap();
        let signed = &signed[signed.find("SAMLResponse=").unwrap()..];
        let signature = base64(&url::form_urlencoded::parse(format!("s={signature}").as_bytes()).next().unwrap().1);
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate.der()).unwrap();
        let key = aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
            parsed.public_key().subject_public_key.data.as_ref(),
        );
        key.verify(signed.as_bytes(), &signature).unwrap();
        // Read as a service provider reads a form: the assertion is signed by itself.
        let deflated = base64(&target.query_pairs().find(|(name, _)| name == "SAMLResponse").unwrap().1);
        let mut xml = String::new();
        let mut inflated = flate2::read::DeflateDecoder::new(&deflated[..]);
        std::io::Read::read_to_string(&mut inflated, &mut xml).unwrap();
        let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
        let read = saml::verify_response(&saml::post_value(&xml), &expectations(certificate), now).unwrap();
        assert_eq!(read.covered(), SignedParts::Assertion);
    }

    async fn assertions_are_encrypted_beside_every_signature(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let view = kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let id = generated(&mut admin, "SP", "rsa2048").await;
        let (pem, _) = keypair(&fixture, &id).await;
        let expected = Expectations {
            decryption_keys: vec![DecryptionKey::from_pkcs8_pem(&pem).unwrap()],
            want_assertions_encrypted: true,
            allow_cbc: true,
            ..expectations(certificate)
        };
        for (data, transport) in DataEncryption::ALL.into_iter().zip(KeyTransport::ALL.into_iter().cycle()) {
            for (sign_response, covered) in [(false, SignedParts::Assertion), (true, SignedParts::Both)] {
                // Its cipher text can be changed unnoticed, save within a signature.
                let is_refused = data.is_cbc() && !sign_response;
                let mut form = admin.get(&format!("{}edit/", view.url)).await.form("#provider");
                form = form.set("encryption_kp", &id).set("data_encryption", data.as_str());
                form = form.set("key_transport", transport.as_str()).untick("sign_response");
                if sign_response {
                    form = form.set("sign_response", "on");
                }
                let saved = admin.submit(form).await;
                if is_refused {
                    assert!(mistakes(&saved)[0].starts_with("AES-CBC is safe only"), "{:?}", mistakes(&saved));
                    continue;
                }
                assert_eq!(saved.url.path(), view.url.path(), "{:?}", mistakes(&saved));
                let reply = admin.get(&by_redirect(&request(&fixture), None)).await;
                let xml = base64(reply.form("form[data-autosubmit]").value("SAMLResponse").unwrap());
                let xml = String::from_utf8(xml).unwrap();
                assert!(!xml.contains("admin@example.com") && xml.contains(data.as_str()), "{xml}");
                let assertion = verified(&fixture, &reply, &expected);
                assert!(assertion.was_encrypted());
                assert_eq!(assertion.covered(), covered);
            }
        }
    }

    async fn the_next_certificate_is_announced_and_takes_over(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let next = generated(&mut admin, "Next", "ecp256").await;
        let view = kasm(&mut admin, &[]).await;
        let before = signing_certificate(&mut admin).await;
        let own = certificate_named(&fixture, "Innkeeper Self-signed Certificate").await;
        let changes = [("signing_kp", own.as_str()), ("next_signing_kp", next.as_str())];
        fill(&mut admin, &format!("{}edit/", view.url), "#provider", &changes).await;
        let after = keypair(&fixture, &next).await.1;
        let metadata = format!("{ORIGIN}/application/saml/kasm/metadata/");
        let announced = saml::IdpMetadata::parse(&admin.get(&metadata).await.bytes).unwrap();
        assert_eq!(announced.signing_certificates, [before.clone(), after.clone()]);
        let url = by_redirect(&request(&fixture), None);
        verified(&fixture, &admin.get(&url).await, &expectations(before.clone()));
        let page = admin.get(view.url.as_str()).await;
        let done = admin.submit(page.form("form[action='next-certificate/']")).await;
        assert!(done.texts("[role=status]").concat().contains("ECDSA-SHA256"), "{}", done.body);
        verified(&fixture, &admin.get(&url).await, &expectations(after.clone()));
        let announced = saml::IdpMetadata::parse(&admin.get(&metadata).await.bytes).unwrap();
        assert_eq!(announced.signing_certificates, [after, before.clone()]);
        // And back, if it was too early.
        let page = admin.get(view.url.as_str()).await;
        admin.submit(page.form("form[action='next-certificate/']")).await;
        verified(&fixture, &admin.get(&url).await, &expectations(before));
        assert_eq!(events_named(&fixture, "model_updated").await, ["kasm", "kasm", "kasm"]);
    }
}

fn base64(text: &str) -> Vec<u8> {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
