//! What folders say of themselves.

use std::path::Path;

use results::{Error, Result};
use serde_json::Value;

use crate::Place;

/// The hook of a folder that says one, unless it contradicts the one that was named.
pub(crate) fn agreed<'a>(file: &Path, said: Option<&'a str>, named: Option<&'a str>) -> Result<Place> {
    let place = |hook: &str| {
        Place::of_hook(hook).map_err(|problem| Error::invalid(file, format!("its hook \"{hook}\" {problem}")))
    };
    match (said, named) {
        (Some(said), Some(named)) if place(said)? != place(named)? => Err(Error::invalid(
            file,
            format!("it was trained at {said}, and `hook` says {named}; leave `hook` out"),
        )),
        (Some(hook), _) | (None, Some(hook)) => place(hook),
        (None, None) => Err(Error::invalid(
            file,
            "nothing says at which place in the model it was trained; name it, as in `hook = \"blocks.20.hook_resid_post\"`",
        )),
    }
}

/// A description.
pub(crate) fn read_json(path: &Path) -> Result<serde_json::Map<String, Value>> {
    let text = fs_err::read_to_string(path)?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(config)) => Ok(config),
        Ok(_) => Err(Error::invalid(
            path,
            "this is not a JSON object; download it again",
        )),
        Err(error) => Err(Error::invalid(
            path,
            format!("this is not JSON: {error}; download it again"),
        )),
    }
}
