//! Whether the parts of a pipeline fit together.

use interventions::InterventionTable;
use terms::Site;

use crate::names::{FILE_NAME, is_file_name, is_plain_name};
use crate::{
    Contrast, DoseTable, GenerationSet, Pipeline, SaeTable, SteerTable, VectorKind, VectorTable, bounds,
};

impl Pipeline {
    /// The first thing that doesn't fit, in words that name the key.
    pub(crate) fn problem(&self) -> Option<String> {
        self.model
            .problem()
            .or_else(|| self.short_name_problem())
            .or_else(|| self.condition_problem())
            .or_else(|| VectorTable::problem(&self.vectors))
            .or_else(|| SaeTable::problem(&self.saes))
            .or_else(|| self.contrast_problem())
            .or_else(|| self.steer_problem())
            .or_else(|| self.dose.problem())
            .or_else(|| self.dose_directions_problem())
            .or_else(|| self.locate.problem())
    }

    fn short_name_problem(&self) -> Option<String> {
        let name = &self.model.short_name;
        (!is_file_name(name))
            .then(|| format!("model.short_name = \"{name}\" is a part of file names; {FILE_NAME}"))
    }

    fn condition_problem(&self) -> Option<String> {
        let names: Vec<&str> = self
            .conditions
            .iter()
            .map(|condition| condition.name.as_str())
            .collect();
        if let Some(name) = repeated(&names) {
            return Some(format!(
                "two [[conditions]] are named \"{name}\"; names must be unique"
            ));
        }
        self.conditions.iter().find_map(|condition| {
            let name = &condition.name;
            if !is_plain_name(name) {
                return Some(format!(
                    "conditions: the name \"{name}\" may hold only letters, digits, `-` and `_`"
                ));
            }
            let uses_prompt = condition.turns.iter().any(|turn| turn.text.contains("{prompt}"));
            (!uses_prompt).then(|| {
                format!("conditions.{name}: no turn holds {{prompt}}, so all prompts would be the same")
            })
        })
    }

    fn contrast_problem(&self) -> Option<String> {
        let Contrast {
            positive,
            negative,
            pooling,
            ..
        } = &self.contrast;
        for (key, name) in [("positive", positive), ("negative", negative)] {
            if self.condition(name).is_none() {
                return Some(format!(
                    "contrast.{key}: there is no condition \"{name}\"; {}",
                    self.known_conditions()
                ));
            }
        }
        if positive == negative {
            return Some(format!(
                "contrast: positive and negative are both \"{positive}\"; name two conditions"
            ));
        }
        let cleaned = VectorKind::Cleaned.name();
        if let Some(name) = self.contrast.project_out.iter().find(|name| {
            **name == cleaned
                || **name == "contrast"
                || name.starts_with("sae.")
                || !self.is_vector_name(name)
        }) {
            return Some(format!(
                "contrast.project_out: \"{name}\" can't be taken out of the contrast; use {}, or mean.<condition>",
                VectorKind::names(VectorKind::of_every_run().iter().skip(1))
            ));
        }
        if !self.extract.poolings.contains(pooling) {
            let name = pooling.as_str();
            return Some(format!(
                "contrast.pooling: \"{name}\" is not among extract.poolings; add it there"
            ));
        }
        let poolings: Vec<&str> = self
            .extract
            .poolings
            .iter()
            .map(|pooling| pooling.as_str())
            .collect();
        if let Some(name) = repeated(&poolings) {
            return Some(format!("extract.poolings: \"{name}\" is there twice"));
        }
        if self.extract.shard_prompts == Some(0) {
            return Some("extract.shard_prompts: must be at least 1".to_owned());
        }
        let sites: Vec<&str> = self.extract.sites.iter().map(|site| site.as_str()).collect();
        if sites.contains(&Site::ResidualPost.as_str()) {
            return Some(
                "extract.sites: \"hook_resid_post\" is recorded in any case; leave it out".to_owned(),
            );
        }
        if sites.contains(&Site::HeadOutputs.as_str()) {
            return Some(
                "extract.sites: \"hook_z\" has another width than the residual stream and can't be recorded; the stage locate \
                 patches it"
                    .to_owned(),
            );
        }
        repeated(&sites).map(|name| format!("extract.sites: \"{name}\" is there twice"))
    }

    fn steer_problem(&self) -> Option<String> {
        let steer = &self.steer;
        let problem = bounds::max_new_tokens_problem("steer", steer.max_new_tokens)
            .or_else(|| bounds::decoding_problem(&steer.decoding));
        if problem.is_some() {
            return problem;
        }
        if steer.shard_rows == Some(0) {
            return Some("steer.shard_rows: must be at least 1".to_owned());
        }
        if steer.prompts == Some(0) {
            return Some("steer.prompts: must be at least 1; leave it out for all prompts".to_owned());
        }
        let names: Vec<&str> = steer.sets.iter().map(|set| set.name.as_str()).collect();
        if let Some(name) = repeated(&names) {
            return Some(format!(
                "two [[steer.sets]] are named \"{name}\"; names must be unique"
            ));
        }
        if let Some(name) = names.iter().find(|name| !is_file_name(name)) {
            return Some(format!(
                "steer.sets: the name \"{name}\" can't be used; {FILE_NAME}"
            ));
        }
        let mut sets = steer.sets.iter();
        sets.find_map(|set| self.set_problem(set))
            .or_else(|| notebook_set_problem(steer))
    }

    fn set_problem(&self, set: &GenerationSet) -> Option<String> {
        let place = format!("steer.sets.{}", set.name);
        if self.condition(&set.condition).is_none() {
            return Some(format!(
                "{place}: there is no condition \"{}\"; {}",
                set.condition,
                self.known_conditions()
            ));
        }
        if let Some(problem) = bounds::set_problem(&place, set) {
            return Some(problem);
        }
        if set.interventions.is_empty() && !set.coefficients.is_empty() {
            return Some(format!(
                "{place}: coefficients without an intervention change nothing; add `interventions`"
            ));
        }
        let mut interventions = set.interventions.iter();
        if let Some(problem) = interventions.find_map(|table| self.intervention_problem(table)) {
            return Some(format!("{place}: {problem}"));
        }
        let without = set
            .interventions
            .iter()
            .filter(|table| table.kind.definition().coefficient.is_none());
        let mut without: Vec<&str> = without.map(|table| table.kind.as_str()).collect();
        let multiplies_nothing = !set.coefficients.is_empty() && without.len() == set.interventions.len();
        without.sort_unstable();
        without.dedup();
        multiplies_nothing.then(|| {
            let kinds = without.join(" and ");
            let verb = if without.len() == 1 { "has" } else { "have" };
            format!("{place}: {kinds} {verb} no coefficient; leave out `coefficients`")
        })
    }

    fn intervention_problem(&self, table: &InterventionTable) -> Option<String> {
        if let Some(problem) = table.problem() {
            return Some(problem);
        }
        let unknown = table.vectors().find(|name| !self.is_vector_name(name));
        unknown.map(|name| self.no_vector(name))
    }

    fn no_vector(&self, name: &str) -> String {
        let features = match self.saes.is_empty() {
            true => "",
            false => ", or sae.<name>.<feature>",
        };
        format!(
            "there is no vector \"{name}\"; use {}, or mean.<condition>{features}",
            self.vector_names().join(", ")
        )
    }

    fn dose_directions_problem(&self) -> Option<String> {
        let names: Vec<&str> = self.dose.directions.iter().map(String::as_str).collect();
        if let Some(name) = repeated(&names) {
            return Some(format!("dose.directions: \"{name}\" is there twice"));
        }
        let contrast = VectorKind::Contrast.name();
        if !names.contains(&contrast.as_str()) {
            return Some(format!(
                "dose.directions: \"{contrast}\" is not among them; add it, since the others are compared with it and as long as it is"
            ));
        }
        if let Some(name) = names.iter().find(|name| DoseTable::CONTROLS.contains(name)) {
            return Some(format!(
                "dose.directions: \"{name}\" is what the sweep calls one of its controls; give the vector another name in [[vectors]]"
            ));
        }
        let unknown = names.iter().find(|name| !self.is_vector_name(name));
        unknown.map(|name| format!("dose.directions: {}", self.no_vector(name)))
    }

    fn is_vector_name(&self, name: &str) -> bool {
        match VectorKind::parse(name) {
            Some(VectorKind::Mean(condition)) => self.condition(&condition).is_some(),
            Some(VectorKind::Feature(sae, _)) => self.saes.iter().any(|table| table.name == sae),
            Some(kind) => self.vector_names().contains(&kind.name()),
            None => false,
        }
    }

    /// Those that analyze makes for this pipeline, but for the means.
    fn vector_names(&self) -> Vec<String> {
        let kinds = VectorKind::of_every_run().iter();
        let cleaned = (!self.contrast.project_out.is_empty()).then_some(VectorKind::Cleaned);
        let effects = self.design().map(|_| VectorKind::EFFECTS).into_iter().flatten();
        kinds
            .cloned()
            .chain(cleaned)
            .chain(effects)
            .map(|kind| kind.name())
            .chain(self.vectors.iter().map(|table| table.name.clone()))
            .collect()
    }

    fn known_conditions(&self) -> String {
        let names: Vec<&str> = self
            .conditions
            .iter()
            .map(|condition| condition.name.as_str())
            .collect();
        format!("the conditions are: {}", names.join(", "))
    }
}

fn notebook_set_problem(steer: &SteerTable) -> Option<String> {
    let name = steer.notebook_set.as_ref()?;
    match steer.sets.iter().find(|set| set.name == *name) {
        Some(set) if set.interventions.is_empty() => Some(format!(
            "steer.notebook_set: the set \"{name}\" has no intervention, whose layer is part of the file's name; name a set that \
             has one"
        )),
        Some(_) => None,
        None => {
            let names: Vec<&str> = steer.sets.iter().map(|set| set.name.as_str()).collect();
            Some(format!(
                "steer.notebook_set: there is no set \"{name}\"; the sets are: {}",
                names.join(", ")
            ))
        }
    }
}

fn repeated<'a>(names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .enumerate()
        .find(|(index, name)| names[..*index].contains(name))
        .map(|(_, name)| *name)
}
