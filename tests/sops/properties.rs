//! Properties that hold for any text.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the text, no panic.
    #[test]
    fn any_text_is_survived(text in "(?s).{0,300}", config in "(?s).{0,120}", path in "[a-z./]{0,20}") {
        check(&[(".sops.yaml".to_owned(), format!("creation_rules:\n{config}")), (format!("{path}.yaml"), text)]);
    }

    /// A password never shows in what is said about it, however it is quoted.
    #[test]
    fn a_password_is_found_and_not_repeated(password in "[A-Za-z0-9#:'\"é{}-]{8,24}", quoted in 0..3_u8) {
        prop_assume!(password.chars().any(char::is_alphanumeric));
        let value = match quoted {
            0 => format!("'{}'", password.replace('\'', "''")),
            1 => serde_json::to_string(&password).unwrap(),
            _ => format!("|-\n    {password}"),
        };
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  key: {value}\n");
        let findings = check(&[("x.yaml".to_owned(), text)]);
        prop_assert!(findings.iter().any(|finding| finding.code.id == "IF1001"));
        let shown = text::render(&findings, text::Style::default());
        prop_assert!(!shown.contains(&password), "{shown}");
    }
}
