//! The arguments of the program of every stage.

use toml::Value;

use crate::{
    pipeline::Pipeline,
    project::Project,
    source::{place, sources},
};

/// `--pipeline FILE --results FOLDER [--set KEY=VALUE]...`, with the working directory at the root.
/// The device that was decided comes last and so wins; a model or an adapter that is not where its
/// source says, in the hub's cache or the user's home, is named by its place as well.
pub fn stage_arguments(project: &Project, pipeline: &Pipeline) -> Vec<String> {
    let results = project.display(&project.results(&pipeline.name));
    let mut arguments = vec![
        "--pipeline".into(),
        pipeline.file.clone(),
        "--results".into(),
        results,
    ];
    for assignment in pipeline.assignments() {
        arguments.extend(["--set".into(), assignment.clone()]);
    }
    for (keys, source) in sources(project, pipeline) {
        let written = pipeline.text(keys.source).map(|value| project.resolve(value));
        let place = place(project, &source).filter(|place| Some(place) != written.as_ref());
        if let Some(place) = place {
            let path = Value::String(place.to_string_lossy().into_owned());
            arguments.extend(["--set".into(), format!("{}={path}", keys.place)]);
        }
    }
    arguments
}
