//! `cargo xtask open`: the report, in whatever shows web pages here.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Result, anyhow};

use crate::{pipeline::Pipeline, project::Project, verbosity};

pub fn open(project: &Project, pipeline: &Pipeline, out: &mut dyn Write) -> Result<()> {
    let report = project.report(&pipeline.name);
    let shown = project.display(&report);
    if !report.is_file() {
        let name = &pipeline.name;
        let why = anyhow!("there is no {shown}; make it with `cargo xtask all --pipeline {name}`");
        return Err(why.context(format!("the pipeline {name} has no report yet")));
    }
    let [program, arguments @ ..] = opener();
    let mut command = Command::new(program);
    command.args(arguments.iter().filter(|argument| !argument.is_empty()));
    command.arg(&report);
    verbosity::detail(|| format!("runs {command:?}"));
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if status.is_ok_and(|status| status.success()) {
        writeln!(out, "opened {shown}")?;
    } else {
        // No error: on a server the path is what is wanted.
        writeln!(out, "{}", report.display())?;
        verbosity::say(&format!(
            "{program} could not show it; open the file above in a browser"
        ));
    }
    Ok(())
}

fn opener() -> [&'static str; 4] {
    match env::consts::OS {
        "macos" => ["open", "", "", ""],
        // The empty title keeps `start` from taking the path for one.
        "windows" => ["cmd", "/C", "start", "Roleswap"],
        _ => ["xdg-open", "", "", ""],
    }
}
