/// The tables that a pipeline file may have.
pub const TABLES: [&str; 10] = [
    "model",
    "verify",
    "prompts",
    "conditions",
    "contrast",
    "extract",
    "vectors",
    "steer",
    "dose",
    "report",
];
