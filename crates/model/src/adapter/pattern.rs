//! Values for some modules, by patterns of their names.

use regex::Regex;
use serde_json::Value;

/// `rank_pattern` and `alpha_pattern` of PEFT, in the file's order.
pub(super) struct Patterns(Vec<(Regex, f64)>);

impl Patterns {
    /// An absent key and null mean an empty list of patterns.
    ///
    /// # Errors
    /// A pattern that is not a regular expression here, or whose value is not a positive number, in
    /// words that go behind the key.
    pub fn of(value: Option<&Value>) -> Result<Self, String> {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return Ok(Patterns(Vec::new()));
        };
        let entries = value
            .as_object()
            .ok_or("is not an object of patterns and numbers")?;
        let entries = entries.iter().map(|(pattern, number)| {
            let number = number.as_f64().filter(|number| *number > 0.0);
            let number =
                number.ok_or_else(|| format!("has no positive number for the pattern {pattern:?}"))?;
            // As `get_pattern_key` of PEFT matches: the whole name, or what follows one of its dots.
            let matcher = Regex::new(&format!("^(?:.*\\.)?(?:{pattern})$"))
                .map_err(|_| format!("has the pattern {pattern:?}, which is not understood here"))?;
            Ok((matcher, number))
        });
        entries.collect::<Result<_, String>>().map(Patterns)
    }

    /// The value of the first pattern that matches the name of a module.
    pub fn value(&self, module: &str) -> Option<f64> {
        let found = self.0.iter().find(|(pattern, _)| pattern.is_match(module));
        found.map(|(_, number)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_matches_the_end_of_a_name_counts() {
        let json = serde_json::json!({
            ".*\\.1\\.self_attn\\.v_proj": 1, "v_proj": 2, "^model.layers.0.mlp.up_proj": 3, "mlp.(up|down)_proj": 4
        });
        let patterns = Patterns::of(Some(&json)).unwrap();
        for (module, value) in [
            ("model.layers.1.self_attn.v_proj", Some(1.0)),
            ("model.layers.11.self_attn.v_proj", Some(2.0)),
            ("model.layers.0.mlp.up_proj", Some(3.0)),
            ("model.layers.10.mlp.up_proj", Some(4.0)),
            ("model.layers.10.mlp.gate_up_proj", None),
            ("model.layers.1.self_attn.kv_proj", None),
            ("v_proj", Some(2.0)),
        ] {
            assert_eq!(patterns.value(module), value, "{module}");
        }
    }

    #[test]
    fn what_is_no_pattern_or_no_number_is_refused() {
        let error = |json: Value| Patterns::of(Some(&json)).err().unwrap();
        assert!(error(serde_json::json!({"(?!q)_proj": 1})).contains("(?!q)_proj"));
        assert!(error(serde_json::json!({"q_proj": "many"})).contains("q_proj"));
        assert!(error(serde_json::json!({"q_proj": 0})).contains("positive"));
        assert!(error(serde_json::json!(["q_proj"])).contains("object"));
    }
}
