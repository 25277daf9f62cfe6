use std::path::Path;

use check::schemas_markdown;
use results::TABLES;

/// `UPDATE_SCHEMAS=1` rewrites the file.
#[test]
fn the_documented_contract_is_that_of_the_writers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas.md");
    let expected = schemas_markdown();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs_err::write(&path, &expected).unwrap();
    }
    let found = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/schemas.md is not what the contracts say; \
         run UPDATE_SCHEMAS=1 cargo test --workspace --test check_results"
    );
}

#[test]
fn every_key_is_of_columns_that_are_there() {
    for schema in TABLES {
        let columns = (schema.columns)();
        for key in schema.key {
            assert!(
                columns.iter().any(|column| column.name == *key),
                "{}: {key}",
                schema.name
            );
        }
        let mut names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(
            names.len(),
            columns.len(),
            "{}: a column is there twice",
            schema.name
        );
    }
}
