use std::path::{Path, PathBuf};

use results::{
    Answer, DoseEffect, Error, Generation, Layout, Metadata, PatchEffect, RenderedPrompt, Result, RowCount,
    Run, Shape, Summary, TABLES, Table, TableSchema, missing, read_certificate, read_dose_summary,
    read_statistics_summary,
};
use serde::Serialize;
use terms::Stage;

use crate::numbers::require_rows;
use crate::problem::Problem;
use crate::table::{Checked, check_table};
use crate::{activations, analysis, answers, locating, steering};

/// What was found in the folder of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    pub results: PathBuf,
    pub tables: Vec<TableReport>,
    /// Stages without a result.
    pub not_run: Vec<&'static str>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct TableReport {
    pub file: PathBuf,
    pub schema: &'static str,
    pub version: u32,
    pub rows: usize,
}

/// Checks every file of a run. A folder that holds no run is an error; everything else is a
/// [`Problem`].
pub fn check_results(results: &Path) -> Result<Report> {
    let layout = Layout::new(results);
    let is_there = |stage: &Stage| layout.stage(*stage).is_dir();
    if !is_there(&Stage::Extract) {
        let message =
            "there is no result of `extract` in this folder, so nothing to check; run `cargo xtask all`";
        return Err(Error::invalid(results, message));
    }
    let mut check = Check {
        layout: &layout,
        tables: Vec::new(),
        first: None,
        problems: Vec::new(),
    };
    let (run, not_run): (Vec<Stage>, Vec<Stage>) = Stage::ALL.iter().copied().partition(is_there);
    for schema in TABLES {
        if run.iter().any(|stage| schema.file.starts_with(stage.as_str())) {
            check.tables_of(schema);
        }
    }
    check.summaries(&run);
    // Figures that contradict each other are looked for in tables that are individually sound.
    if check.problems.is_empty() {
        check.relations(&run);
    }
    Ok(Report {
        results: results.to_owned(),
        tables: check.tables,
        not_run: not_run.into_iter().map(Stage::as_str).collect(),
        problems: check.problems,
    })
}

struct Check<'a> {
    layout: &'a Layout,
    tables: Vec<TableReport>,
    /// The footer of the first table, against which all others are compared, and its file.
    first: Option<(PathBuf, Metadata)>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    /// All files of one kind of table: one, or one for each layer and place.
    fn tables_of(&mut self, schema: &'static TableSchema) {
        if schema.name == Answer::SCHEMA.name && !self.layout.table::<Answer>().exists() {
            // Whether it must be there is known once the poolings are.
            return;
        }
        if schema.name != "activations" {
            self.table(schema, Path::new(schema.file));
            return;
        }
        match activations::files(self.layout) {
            Ok(files) => files.iter().for_each(|file| self.table(schema, file)),
            Err(error) => {
                let folder = self.layout.inside(&self.layout.activations());
                self.problems.push(Problem::of_reading(&folder, &error));
            }
        }
    }

    fn table(&mut self, schema: &'static TableSchema, file: &Path) {
        if !self.layout.root().join(file).is_file() {
            self.problems
                .push(Problem::of_file(file, missing(self.layout, file)));
            return;
        }
        let Some(checked) = check_table(self.layout.root(), file, schema, &mut self.problems) else {
            return;
        };
        self.compare_footer(file, &checked);
        self.tables.push(TableReport {
            file: file.to_owned(),
            schema: schema.name,
            version: schema.version,
            rows: checked.rows,
        });
    }

    /// All tables are from the same model.
    fn compare_footer(&mut self, file: &Path, checked: &Checked) {
        let Some((first, metadata)) = &self.first else {
            self.first = Some((file.to_owned(), checked.metadata.clone()));
            return;
        };
        for found in checked.metadata.disagreements(metadata) {
            self.problems.push(Problem::of_file(file, found.in_words(first)));
        }
    }

    /// The JSON files that a program may rely on.
    fn summaries(&mut self, run: &[Stage]) {
        let layout = self.layout;
        if run.contains(&Stage::Verify) {
            self.read(&layout.certificate(), |path| {
                read_certificate(path).map(|certificate| Some(certificate.weights_fingerprint))
            });
        }
        if run.contains(&Stage::Analyze) && layout.statistics_summary().exists() {
            self.read(&layout.statistics_summary(), |path| {
                read_statistics_summary(path).map(|_| None)
            });
        }
        if run.contains(&Stage::Dose) {
            self.read(&layout.dose_summary(), |path| {
                read_dose_summary(path).map(|_| None)
            });
        }
    }

    /// `read` may give the fingerprint of the weights that the file is about.
    fn read(&mut self, path: &Path, read: impl FnOnce(&Path) -> Result<Option<String>>) {
        let file = self.layout.inside(path);
        match read(path) {
            Err(error) => self.problems.push(Problem::of_reading(&file, &error)),
            Ok(Some(found)) => {
                let expected = self
                    .first
                    .as_ref()
                    .and_then(|(_, metadata)| metadata.get("weights_fingerprint"));
                if expected.is_some_and(|expected| expected != found) {
                    let message = format!("it is about other weights ({found}) than the tables");
                    self.problems.push(Problem::of_file(&file, message));
                }
            }
            Ok(None) => {}
        }
    }

    fn relations(&mut self, run: &[Stage]) {
        let checked = self.relations_of(run);
        if let Err((path, error)) = checked {
            let file = self.layout.inside(&path);
            self.problems.push(Problem::of_reading(&file, &error));
        }
    }

    fn relations_of(&mut self, run: &[Stage]) -> Result<(), (PathBuf, Error)> {
        let layout = self.layout;
        let at = |path: PathBuf| move |error: Error| (path, error);
        let opened = Run::open(layout.clone()).and_then(|run| Ok((run.shape()?, run)));
        let (shape, opened) = opened.map_err(at(layout.table::<RenderedPrompt>()))?;
        self.row_counts(&opened, &shape);
        let problems = &mut self.problems;
        let means = activations::check(&opened, &shape, problems).map_err(at(layout.activations()))?;
        if shape.poolings.iter().any(|pooling| pooling.reads_answer()) {
            answers::check(&opened, problems).map_err(at(layout.table::<Answer>()))?;
        }
        if run.contains(&Stage::Analyze) {
            analysis::check(&opened, &shape, &means, problems).map_err(at(layout.table::<Summary>()))?;
        }
        if run.contains(&Stage::Steer) {
            steering::check_steer(&opened, &shape, problems).map_err(at(layout.table::<Generation>()))?;
        }
        if run.contains(&Stage::Dose) {
            steering::check_dose(&opened, &shape, problems).map_err(at(layout.table::<DoseEffect>()))?;
        }
        if run.contains(&Stage::Locate) {
            locating::check(&opened, &shape, problems).map_err(at(layout.table::<PatchEffect>()))?;
        }
        Ok(())
    }

    /// Tables whose number of rows follows from the run have that number.
    fn row_counts(&mut self, run: &Run, shape: &Shape) {
        let counts = shape.counts();
        for table in &self.tables {
            let schema = TABLES.iter().find(|schema| schema.name == table.schema);
            if let Some(RowCount { words, allowed }) = schema.and_then(|schema| schema.count.as_ref()) {
                let allowed = allowed(&counts);
                require_rows(run, &table.file, table.rows, &allowed, words, &mut self.problems);
            }
        }
    }
}
