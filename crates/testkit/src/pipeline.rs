/// A pipeline about a model that is nowhere, with two conditions.
pub const EXAMPLE_PIPELINE: &str = r#"
[model]
source = "nowhere"
name = "An Example"
short_name = "example"
dtype = "f32"
device = "cpu"

[prompts]
file = "nowhere.jsonl"

[[conditions]]
name = "normal"
label = "Model Role"
turns = [{ speaker = "user", text = "{prompt}" }]
opens = "model"

[[conditions]]
name = "swapped"
label = "User Role"
turns = [{ speaker = "model", text = "{prompt}" }]
opens = "user"

[contrast]
positive = "normal"
negative = "swapped"
pooling = "newline"

[extract]
poolings = ["newline", "mean"]

[steer]
seed = 0
max_new_tokens = 1
decoding = { temperature = 1.0, top_k = 0, top_p = 1.0, repetition_penalty = 1.0 }

[report]
title = "An example"
"#;
