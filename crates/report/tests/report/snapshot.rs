//! Everything that a reader of the report reads, so that a change of wording is reviewed.

use std::path::Path;

use results::{LayerEffects, Table};

use crate::example_evidence::effects;
use crate::example_run::{example_footer, example_run};
use crate::reading::{visible_lines, without_library};

/// `UPDATE_REPORT_TEXT=1` writes the file.
#[test]
fn the_text_of_the_report_is_the_reviewed_one() {
    let run = example_run(3);
    let rows: Vec<_> = (0..3).map(effects).collect();
    LayerEffects::write(&run.layout.table::<LayerEffects>(), &example_footer(3), &rows).unwrap();
    let page = without_library(&run.page("report.html"));
    let (_, body) = page.split_once("<body>").unwrap();
    let (body, _) = body.split_once("<script").unwrap();
    let found = visible_lines(body);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/report.txt");
    if std::env::var_os("UPDATE_REPORT_TEXT").is_some() {
        fs_err::write(&path, &found).unwrap();
    }
    let expected = fs_err::read_to_string(&path).unwrap_or_default();
    let differs = expected.lines().zip(found.lines()).find(|(a, b)| a != b);
    assert!(
        found == expected,
        "the report says something else than tests/report/report.txt: {differs:?}; \
         run UPDATE_REPORT_TEXT=1 cargo test -p report and review the difference"
    );
}
